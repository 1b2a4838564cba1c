// Making and changing elements. What is on the page is changed, never made
// anew: a button keeps its focus while four statuses a second arrive.

type Child = Node | string | null | undefined | false;
type Value = string | number | boolean | null | undefined | ((event: Event) => void);
export type Attributes = Record<string, Value>;

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else setAttribute(element, name, value);
  }
  for (const child of children) {
    if (child) element.append(child);
  }
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

export function setAttribute(element: Element, name: string, value: Exclude<Value, (event: Event) => void>): void {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

// A style property by way of the object model, which the content policy allows.
export function setStyle(element: HTMLElement | SVGElement, property: string, value: string): void {
  if (element.style.getPropertyValue(property) !== value) element.style.setProperty(property, value);
}

export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

// One item on the page.
export interface Shown<T> {
  root: Element;
  update(item: T): void;
}

// A list of items on the page, each known by a key.
export class Keyed<T> {
  private readonly shown = new Map<string, Shown<T>>();

  constructor(
    private readonly parent: Element,
    private readonly key: (item: T) => string,
    private readonly make: (item: T) => Shown<T>,
  ) {}

  show(items: readonly T[]): void {
    const keep = new Set<string>();
    let before: Element | null = this.parent.firstElementChild;
    for (const item of items) {
      const key = this.key(item);
      if (keep.has(key)) continue;
      keep.add(key);
      let shown = this.shown.get(key);
      if (!shown) {
        shown = this.make(item);
        this.shown.set(key, shown);
      }
      shown.update(item);
      if (shown.root === before) before = before.nextElementSibling;
      else this.parent.insertBefore(shown.root, before);
    }
    for (const [key, shown] of this.shown) {
      if (keep.has(key)) continue;
      shown.root.remove();
      this.shown.delete(key);
    }
  }
}
