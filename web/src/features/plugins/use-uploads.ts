import { useCallback, useRef, useState } from "react";

import { asProblem, type Problem } from "@/shared/api/problem";
import { texts } from "@/shared/texts";

import { useUploadPluginMutation } from "./api/upload-plugin";
import { type Pair, pairFiles } from "./logic/pair-files";
import type { Plugin } from "./logic/review";

export interface Upload {
  key: number;
  name: string;
  manifest?: string | undefined;
  state: "waiting" | "sending" | "done" | "failed";
  /** From 0 to 1. */
  progress: number;
  plugin?: Plugin;
  problem?: Problem;
}

const MOST = 50;

interface Uploads {
  uploads: Upload[];
  isBusy: boolean;
  /** Sends these files, after those that are on their way. Hands back what the host took in when that is all of them. */
  add: (files: readonly File[]) => Promise<Plugin[]>;
  forget: () => void;
}

/** Sends plugins one after the other and keeps what the host says of each. */
export function useUploads(): Uploads {
  const [uploads, setUploads] = useState<Upload[]>([]);
  const [upload] = useUploadPluginMutation();
  const next = useRef(0);
  const queue = useRef<Promise<unknown>>(Promise.resolve());

  const change = useCallback((key: number, changes: Partial<Upload>) => {
    setUploads((before) => before.map((one) => (one.key === key ? { ...one, ...changes } : one)));
  }, []);

  const send = useCallback(
    async (key: number, { file, manifest }: Pair): Promise<Plugin | undefined> => {
      change(key, { state: "sending" });
      try {
        const onProgress = (progress: number) => change(key, { progress });
        const plugin = await upload({ file, manifest, onProgress }).unwrap();
        change(key, { state: "done", progress: 1, plugin });
        return plugin;
      } catch (error) {
        change(key, { state: "failed", problem: asProblem(error) });
        return undefined;
      }
    },
    [change, upload],
  );

  const add = useCallback(
    async (files: readonly File[]) => {
      const begun = planned(files).map((plan) => ({ ...plan, key: next.current++ }));
      setUploads((before) => [...before.filter((one) => one.state !== "failed"), ...begun.map(shown)]);
      const all = queue.current.then(async () => {
        const taken: Plugin[] = [];
        for (const { key, pair } of begun) {
          const plugin = pair && (await send(key, pair));
          if (plugin) taken.push(plugin);
        }
        return taken.length === begun.length ? taken : [];
      });
      queue.current = all;
      return all;
    },
    [send],
  );

  const isBusy = uploads.some((one) => one.state === "waiting" || one.state === "sending");
  return { uploads, isBusy, add, forget: useCallback(() => setUploads([]), []) };
}

interface Plan {
  name: string;
  pair?: Pair;
  problem?: Problem;
}

function planned(files: readonly File[]): Plan[] {
  const words = texts.plugins.upload;
  if (files.length > MOST)
    return [
      {
        name: words.files,
        problem: problem({ fact: words.tooMany.fact, remedy: words.tooMany.remedy(MOST) }),
      },
    ];
  const { pairs, lone, foreign } = pairFiles(files);
  return [
    ...pairs.map((pair) => ({ name: pair.file.name, pair })),
    ...lone.map((file) => ({
      name: file.name,
      problem: problem({ fact: words.lone.fact(file.name), remedy: words.lone.remedy }),
    })),
    ...foreign.map((file) => ({
      name: file.name,
      problem: problem({ fact: words.foreign.fact(file.name), remedy: words.foreign.remedy }),
    })),
  ];
}

function problem(told: { fact: string; remedy: string }): Problem {
  return { status: 0, code: "file", details: {}, ...told };
}

function shown({ key, name, pair, problem: wrong }: Plan & { key: number }): Upload {
  const state = wrong ? "failed" : "waiting";
  return { key, name, manifest: pair?.manifest?.name, state, progress: 0, ...(wrong && { problem: wrong }) };
}
