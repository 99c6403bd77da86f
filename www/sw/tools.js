// The tools of the server in the page: one for each kind of field, of result and of trouble.

const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const text = (text) => ({ content: [{ type: "text", text }] });

const GREETINGS = { English: "Hello", French: "Bonjour", Swahili: "Jambo", Vietnamese: "Xin chào" };
const COLOURS = { green: "#0f7a4d", blue: "#2f6db5", amber: "#c98210" };

/** @param {{ process: number, count: (key: string) => void }} world */
export function tools({ process, count }) {
  let calls = 0;
  return {
    greet: {
      title: "Greet",
      description: "Says hello, and which process and session said it.",
      inputSchema: {
        type: "object",
        properties: {
          name: { type: "string", title: "Name", default: "otter", minLength: 1 },
          language: { type: "string", title: "Language", enum: Object.keys(GREETINGS), default: "English" },
          loud: { type: "boolean", title: "Loud", default: false },
        },
        required: ["name"],
      },
      call({ name, language = "English", loud }, { session }) {
        const words = `${GREETINGS[language] ?? "Hello"}, ${name}!`;
        return text(`${loud ? words.toUpperCase() : words}\nprocess ${process}, session ${session}, call ${++calls}`);
      },
    },
    draw: {
      title: "Draw",
      description: "An image, a link and structured content in one result.",
      inputSchema: {
        type: "object",
        properties: {
          colour: { type: "string", title: "Colour", enum: Object.keys(COLOURS), default: "green" },
          trees: { type: "integer", title: "Trees", minimum: 1, maximum: 7, default: 3 },
        },
        required: ["colour", "trees"],
      },
      call({ colour, trees }) {
        const fill = COLOURS[colour] ?? COLOURS.green;
        const many = Math.min(7, Math.max(1, Number(trees) || 1));
        const forest = Array.from({ length: many }, (_, at) => `<path d="M${30 + 44 * at} 12l-18 56h36z" fill="${fill}"/>`).join("");
        const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${44 * many + 16}" height="80">${forest}</svg>`;
        return {
          content: [
            { type: "text", text: `${many} evergreen trees` },
            { type: "image", data: btoa(svg), mimeType: "image/svg+xml" },
            { type: "resource_link", uri: "https://modelcontextprotocol.io/", name: "The protocol" },
          ],
          structuredContent: { colour, trees: many },
        };
      },
    },
    slow: {
      title: "Take your time",
      description: "Runs for some seconds: drop its stream meanwhile, and see it resumed.",
      inputSchema: {
        type: "object",
        properties: { seconds: { type: "number", title: "Seconds", minimum: 0, maximum: 30, default: 3 } },
        required: ["seconds"],
      },
      async call({ seconds }, { progress }) {
        const whole = Math.min(30, Math.max(0, Number(seconds) || 0));
        for (let step = 1; step <= 4; step++) {
          await wait(whole / 4);
          progress?.({ progress: step, total: 4 });
        }
        return text(`Done after ${whole} s, once, by process ${process}.`);
      },
    },
    fail: {
      title: "Fail",
      description: "Reports a failure of its own: the session is well.",
      inputSchema: { type: "object", properties: { reason: { type: "string", title: "Reason", default: "out of acorns" } } },
      call: ({ reason = "no reason" }) => ({ ...text(`The tool failed: ${reason}`), isError: true }),
    },
    count: {
      title: "Count",
      description: "A write: the server keeps how often it ran with this key.",
      inputSchema: { type: "object", properties: { key: { type: "string", title: "Key", default: "a" } }, required: ["key"] },
      async call({ key }) {
        await wait(0.05);
        count(String(key));
        return text(`counted ${key}`);
      },
    },
  };
}
