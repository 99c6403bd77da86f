// What a tool answered, shown by what it is.

/** @returns {Node[]} of a `CallToolResult` */
export function resultNodes(result) {
  const nodes = (result.content ?? []).map(blockNode);
  if (result.structuredContent !== undefined) nodes.push(folded("Structured content", JSON.stringify(result.structuredContent, null, 2)));
  return nodes.length > 0 ? nodes : [paragraph("(an empty result)")];
}

function blockNode(block) {
  switch (block.type) {
    case "text":
      return pre(block.text);
    case "image":
      return media("img", block, { alt: "Image from the tool" }) ?? unknown(block);
    case "audio":
      return media("audio", block, { controls: true }) ?? unknown(block);
    case "resource_link":
      return link(block.uri, block.title ?? block.name);
    case "resource":
      return resource(block.resource ?? {});
    default:
      return unknown(block);
  }
}

/** An `img` runs no script, whatever is in it. */
function media(tag, { data, mimeType }, attributes) {
  if (!/^(image|audio)\/[\w.+-]+$/.test(mimeType ?? "")) return undefined;
  return Object.assign(document.createElement(tag), { src: `data:${mimeType};base64,${data}`, ...attributes });
}

function resource({ uri, mimeType, text, blob }) {
  if (mimeType?.startsWith("image/") && blob) return media("img", { data: blob, mimeType }, { alt: `Image ${uri}` }) ?? paragraph(uri);
  return folded(`${uri ?? "resource"}${mimeType ? `, ${mimeType}` : ""}`, text ?? `(${blob?.length ?? 0} characters of base64)`);
}

function link(uri, name) {
  const isWeb = /^https?:/i.test(uri ?? "");
  if (!isWeb) return paragraph(`${name ?? "resource"}: ${uri}`);
  const anchor = Object.assign(document.createElement("a"), { href: uri, textContent: name ?? uri, target: "_blank", rel: "noopener noreferrer" });
  return paragraph(anchor);
}

function unknown(block) {
  return folded(`content of type ${block.type}`, JSON.stringify(block, null, 2));
}

export function pre(text) {
  return Object.assign(document.createElement("pre"), { textContent: text });
}

export function paragraph(...content) {
  const node = document.createElement("p");
  node.append(...content);
  return node;
}

function folded(title, text) {
  const details = document.createElement("details");
  details.append(Object.assign(document.createElement("summary"), { textContent: title }), pre(text));
  return details;
}

const OUTCOMES = {
  not_executed: "The server did not run it.",
  executed: "The server ran it.",
  unknown: "Whether the server ran it is not known.",
};

/** @returns {Node[]} of an error: what happened, whether it ran, and what to do */
export function errorNodes(error) {
  const { message, outcome, diagnosis, retryable } = error;
  const nodes = [paragraph(message)];
  if (OUTCOMES[outcome]) nodes.push(paragraph(`${OUTCOMES[outcome]}${next(outcome, retryable)}`));
  if (diagnosis) {
    const kind = Object.assign(document.createElement("strong"), { textContent: diagnosis.kind.replaceAll("_", " ") });
    nodes.push(paragraph(kind, `: ${diagnosis.hint}`));
  }
  return nodes;
}

/** Who calls again what may have run may run it twice. */
function next(outcome, retryable) {
  if (outcome === "unknown") return " Look there before you call again: it may have run.";
  return retryable ? " The same call may succeed later." : "";
}
