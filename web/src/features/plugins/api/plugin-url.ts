/** The address of a plugin in the API, or of something of it; names may hold anything. */
export function pluginUrl(plugin: string, ...parts: string[]): string {
  return ["api/v1/plugins", plugin, ...parts]
    .map((part, index) => (index === 0 ? part : encodeURIComponent(part)))
    .join("/");
}
