/** The nonce that the host put into the page, with which styles made here are allowed. */
export function cspNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
}

/**
 * Gives each style element that our scripts make the nonce. Some of antd's parts, such as the one that keeps the page
 * still behind a dialog, have no way to be told it. Markup that was slipped in does not come this way.
 */
export function allowOwnStyles(): void {
  const nonce = cspNonce();
  const plain = Document.prototype as {
    createElement: (name: string, options?: ElementCreationOptions) => HTMLElement;
  };
  const { createElement } = plain;
  plain.createElement = function (this: Document, name: string, options?: ElementCreationOptions) {
    const element = createElement.call(this, name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
}
