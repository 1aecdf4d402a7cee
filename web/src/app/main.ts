import "./base.css";

import { prefix } from "@/shared/api/prefix";
import { markPage } from "@/shared/language/language";
import { loadTexts } from "@/shared/texts/load";
import { loadAntdLocale } from "@/shared/theme/antd-locale";

import { firstArea } from "./first-area";

// The texts first: many modules read them as soon as they are there. The script of `start` is fetched meanwhile, by a
// link in index.html.
markPage();
void Promise.all([
  loadTexts("frame", ...firstArea(window.location.pathname, `${prefix}/console`)),
  loadAntdLocale(),
]).then(() => import("./start"));
