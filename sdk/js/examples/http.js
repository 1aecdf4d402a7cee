// The status of a page: by the door itself, or by fetch, which goes through the same grant.
import { DoorError, http } from "omnicore";

export function status(url) {
  try {
    const { status, headers, body } = http.fetch(url, { headers: { accept: "text/html" } });
    return { status, type: headers["content-type"], length: body.length };
  } catch (error) {
    if (error instanceof DoorError) return { refused: error.code, remedy: error.remedy };
    throw error;
  }
}

export async function page(url) {
  const response = await fetch(url);
  return response.ok ? await response.text() : `status ${response.status}`;
}
