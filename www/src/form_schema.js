// The schema of a tool's arguments as the form wants it, and what the form holds as the tool wants it.

const NUMERAL = "^$|^-?[0-9]+([.][0-9]+)?$";

/**
 * Without references, without the keywords by which a schema could steer the library itself, and with one type for each field.
 * What may be left out is shown, too: empty, it is not sent. Booleans are boxes to tick; and what has no title is called by its
 * name, since the library cleans titles and not names.
 */
export function formSchema(schema) {
  // The library does not end where a member is there and is undefined.
  return JSON.parse(JSON.stringify(shown(plainSchema(schema), true)));
}

/** How many parts a form can have: references double easily. */
const MAX_PARTS = 5_000;

/** The schema with its local references followed, and each `Optional` as what it is an option of. */
export function plainSchema(schema) {
  let left = MAX_PARTS;
  function plain(part, within) {
    if (part === null || typeof part !== "object") return part;
    if (Array.isArray(part)) return part.map((item) => plain(item, within));
    const { $ref, ...own } = part;
    left -= 1;
    // A schema that holds itself has no end.
    if (left < 0 || within.includes($ref)) return {};
    if (typeof $ref === "string") return plain({ ...referred($ref, schema), ...own }, [...within, $ref]);
    const all = {};
    for (const [key, value] of Object.entries(own)) {
      if (key.startsWith("x-") || key === "$defs" || key === "definitions") continue;
      if (key === "properties") all[key] = Object.fromEntries(Object.entries(value ?? {}).map(([name, property]) => [name, plain(property, within)]));
      else all[key] = HOLD_SCHEMAS.includes(key) ? plain(value, within) : value;
    }
    return withoutNull(all);
  }
  return plain(schema, []);
}

const HOLD_SCHEMAS = ["items", "prefixItems", "additionalProperties", "anyOf", "oneOf", "allOf", "not", "if", "then", "else"];

function referred(ref, root) {
  if (!ref.startsWith("#")) return {};
  let at = root;
  for (const part of ref.slice(1).split("/").filter(Boolean)) {
    const name = unescaped(part);
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, name)) return {};
    at = at[name];
  }
  return at && typeof at === "object" && !Array.isArray(at) ? at : {};
}

/** (RFC 6901, 6.) */
function unescaped(part) {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return part;
  }
}

/** `anyOf: [X, null]` and `type: [X, null]` are X, which may be left empty. */
function withoutNull(schema) {
  const { anyOf, oneOf, default: given, ...rest } = schema;
  const choices = anyOf ?? oneOf;
  const others = Array.isArray(choices) ? choices.filter((choice) => choice?.type !== "null") : [];
  if (Array.isArray(choices) && others.length === 1) {
    const { title: _, ...only } = others[0];
    const value = given ?? only.default;
    return { ...only, title: others[0].title, ...rest, ...(value !== undefined && value !== null && { default: value }), nullable: others.length < choices.length };
  }
  const types = Array.isArray(schema.type) ? schema.type.filter((type) => type !== "null") : [];
  if (types.length === 1) {
    const { default: value, ...others } = schema;
    return { ...others, type: types[0], ...(value !== undefined && value !== null && { default: value }), nullable: types.length < schema.type.length };
  }
  return schema;
}

function shown(schema, isNeeded) {
  if (schema === null || typeof schema !== "object" || Array.isArray(schema)) return schema;
  const { properties, items, nullable: _, ...all } = schema;
  if (properties && typeof properties === "object") {
    all.properties = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => {
        if (!property || typeof property !== "object") return [name, property];
        const needed = isRequired(schema, name);
        return [name, shown({ ...property, title: `${property.title ?? name}${needed || hasDefault(property) ? "" : " (optional)"}` }, needed)];
      }),
    );
  }
  if (items !== undefined) all.items = shown(items, true);
  if (all.type === "boolean") return { ...all, "x-format": "checkbox" };
  if (isNeeded || hasDefault(schema)) return all;
  // Nothing stands in an empty field of numbers, and no choice is the first.
  if (all.type === "number" || all.type === "integer") return { title: all.title, description: all.description, type: "string", pattern: NUMERAL };
  if (Array.isArray(all.enum) && !all.enum.includes("")) return { ...all, type: "string", enum: ["", ...all.enum] };
  if (all.type === "string") return { title: all.title, description: all.description, type: "string" };
  return all;
}

/** What the form begins with: each field has something, which for what may be left out is nothing. */
export function formValues(schema, given) {
  const plain = plainSchema(schema);
  const values = {};
  for (const [name, property] of Object.entries(plain?.properties ?? {})) {
    if (given?.[name] !== undefined && given[name] !== null) values[name] = asField(property, given[name], isRequired(plain, name));
    else if (!hasDefault(property) && (!isRequired(plain, name) || property?.nullable)) values[name] = empty(property);
  }
  return { ...given, ...values };
}

function asField(property, value, needed) {
  const isNumber = property?.type === "number" || property?.type === "integer";
  return isNumber && !needed && !hasDefault(property) ? String(value) : value;
}

function empty(property) {
  switch (property?.type) {
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return {};
    default:
      return "";
  }
}

/** The arguments that the form stands for: what may be left out and is empty is left out. */
export function argumentsOf(schema, values) {
  const plain = plainSchema(schema);
  const given = {};
  for (const [name, value] of Object.entries(values ?? {})) {
    const property = plain?.properties?.[name];
    const needed = isRequired(plain ?? {}, name);
    if (property && !hasDefault(property) && isEmpty(value)) {
      if (needed) given[name] = property.nullable ? null : value;
      continue;
    }
    const isNumber = property?.type === "number" || property?.type === "integer";
    given[name] = isNumber && typeof value === "string" && value !== "" ? Number(value) : value;
  }
  return given;
}

function isEmpty(value) {
  if (value === "" || value === false || value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

const isRequired = (schema, name) => Array.isArray(schema.required) && schema.required.includes(name);
const hasDefault = (property) => property?.default !== undefined && property.default !== null;
