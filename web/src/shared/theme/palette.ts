/** The colours of the console; everything is drawn with these. Text on them has a contrast of 4.5 or more. */
export interface Palette {
  accent: string;
  /** Under the pointer. */
  accentStrong: string;
  accentSoft: string;
  onAccent: string;
  link: string;
  canvas: string;
  surface: string;
  raised: string;
  line: string;
  text: string;
  muted: string;
  good: string;
  goodSoft: string;
  warn: string;
  warnSoft: string;
  bad: string;
  badSoft: string;
}

export const LIGHT: Palette = {
  accent: "#4a55d4",
  accentStrong: "#3a44b8",
  accentSoft: "#eceefc",
  onAccent: "#ffffff",
  link: "#3f49c0",
  canvas: "#f6f7f9",
  surface: "#ffffff",
  raised: "#ffffff",
  line: "#e3e5ea",
  text: "#1b1e27",
  muted: "#5c6270",
  good: "#17713f",
  goodSoft: "#e3f5ea",
  warn: "#8a5300",
  warnSoft: "#fdf1dc",
  bad: "#b3261e",
  badSoft: "#fdeae8",
};

export const DARK: Palette = {
  accent: "#5a66e0",
  accentStrong: "#4c58d0",
  accentSoft: "#272b4d",
  onAccent: "#ffffff",
  link: "#a3acff",
  canvas: "#101218",
  surface: "#181b23",
  raised: "#20242e",
  line: "#2c313d",
  text: "#e7e9ef",
  muted: "#a0a7b6",
  good: "#6cd697",
  goodSoft: "#16301f",
  warn: "#f0b95a",
  warnSoft: "#352810",
  bad: "#ff9088",
  badSoft: "#3d1c1a",
};
