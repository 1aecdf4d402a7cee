// What a door answered, as it travels.

import { DoorError, Json } from "../../omnicore";

export function replied(reply: Json): Json {
  return Json.object().set("reply", reply);
}

export function refused(error: DoorError): Json {
  const found = Json.object();
  put(found, "code", error.code);
  put(found, "message", error.message);
  put(found, "remedy", error.remedy);
  put(found, "capability", error.capability);
  put(found, "resource", error.resource);
  put(found, "limit", error.limit);
  return Json.object().set("error", found);
}

function put(object: Json, name: string, text: string): void {
  if (text.length > 0) object.set(name, Json.text(text));
}
