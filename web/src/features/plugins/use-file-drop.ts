import { useEffect, useRef, useState } from "react";

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;

/** Takes files that are dropped anywhere on the page. Says whether some are held over it now. */
export function useFileDrop(isWanted: boolean, onFiles: (files: File[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  const latest = useRef(onFiles);
  useEffect(() => {
    latest.current = onFiles;
  });
  useEffect(() => {
    if (!isWanted) return;
    let depth = 0; // each element on the way tells of entering and leaving
    const end = () => {
      depth = 0;
      setOver(false);
    };
    const handlers: Record<string, (event: DragEvent) => void> = {
      dragenter: () => {
        depth += 1;
        setOver(true);
      },
      dragleave: () => {
        depth -= 1;
        if (depth <= 0) end();
      },
      dragover: (event) => event.preventDefault(),
      drop: (event) => {
        event.preventDefault();
        end();
        latest.current([...(event.dataTransfer?.files ?? [])]);
      },
    };
    const handle = (event: Event) => {
      if (hasFiles(event as DragEvent)) handlers[event.type]?.(event as DragEvent);
    };
    for (const name of Object.keys(handlers)) window.addEventListener(name, handle);
    return () => {
      for (const name of Object.keys(handlers)) window.removeEventListener(name, handle);
    };
  }, [isWanted]);
  return isOver;
}
