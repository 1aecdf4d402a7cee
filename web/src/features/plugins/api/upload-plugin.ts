import { prefix } from "@/shared/api/prefix";
import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import { csrf } from "@/shared/api/csrf";
import { type Problem, problemOf } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";

export interface UploadOrder {
  file: File;
  manifest?: File | undefined;
  /** Told how much has gone, from 0 to 1. */
  onProgress: (part: number) => void;
}

type Answer = { data: Schemas["Plugin"] } | { error: Problem };

export const { useUploadPluginMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    uploadPlugin: build.mutation<Schemas["Plugin"], UploadOrder>({
      queryFn: async (order, { dispatch }) => {
        const answer = await send(order);
        if ("error" in answer && answer.error.status === 401) dispatch({ type: "session/lost" });
        return answer;
      },
      invalidatesTags: ["Plugin", "Upgrade", "Version", "Grant"],
    }),
  }),
});

/** Sends the form; only this kind of request tells how far it is. */
function send({ file, manifest, onProgress }: UploadOrder): Promise<Answer> {
  const form = new FormData();
  form.append("file", file, file.name);
  if (manifest) form.append("manifest", manifest, manifest.name);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${prefix}/api/v1/plugins`);
    for (const [name, value] of Object.entries(idempotencyKey())) request.setRequestHeader(name, value);
    if (csrf.token) request.setRequestHeader("x-csrf-token", csrf.token);
    request.upload.onprogress = (event) => onProgress(event.total > 0 ? event.loaded / event.total : 0);
    request.onload = () => resolve(answered(request.status, request.responseText));
    request.onerror = () => resolve({ error: problemOf({ status: "FETCH_ERROR" }) });
    request.send(form);
  });
}

function answered(status: number, text: string): Answer {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    data = undefined;
  }
  if (status === 201 && data !== undefined) return { data: data as Schemas["Plugin"] };
  return { error: problemOf({ status, data }) };
}
