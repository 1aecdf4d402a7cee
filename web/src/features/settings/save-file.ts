/** Has the browser save what an address inside this page holds, and gives the address back. */
export function saveFile({ url, name }: { url: string; name: string }): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be reading
}
