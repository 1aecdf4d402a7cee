import { useEffect } from "react";

/** Names the browser's tab. PageHeader does it for pages. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · OmniCore`;
  }, [title]);
}
