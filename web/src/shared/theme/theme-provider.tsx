import { ConfigProvider, theme as antd, type ThemeConfig } from "antd";
import {
  createContext,
  type ReactNode,
  use,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";

import { language } from "@/shared/language/language";

import { antdLocale } from "./antd-locale";
import { cspNonce } from "./csp-nonce";
import { DARK, LIGHT, type Palette } from "./palette";

export type ThemeChoice = "light" | "dark" | "system";

interface Theme {
  choice: ThemeChoice;
  isDark: boolean;
  palette: Palette;
  choose: (choice: ThemeChoice) => void;
}

const KEPT = "omnicore-theme";
const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif';
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const prefersCalm = window.matchMedia("(prefers-reduced-motion: reduce)");
const ThemeContext = createContext<Theme>({
  choice: "system",
  isDark: false,
  palette: LIGHT,
  choose: () => undefined,
});

/** The theme for everything below: antd's tokens and the same colours as `--oc-...` in CSS. */
export function ThemeProvider({ children }: { children: ReactNode }) {
  const [choice, setChoice] = useState<ThemeChoice>(kept);
  const systemIsDark = useSyncExternalStore(onSystemChange, () => prefersDark.matches);
  const isDark = choice === "dark" || (choice === "system" && systemIsDark);
  const palette = isDark ? DARK : LIGHT;

  useEffect(() => {
    const root = document.documentElement;
    root.dataset["theme"] = isDark ? "dark" : "light";
    for (const [name, colour] of Object.entries(palette)) {
      root.style.setProperty(
        `--oc-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
        String(colour),
      );
    }
  }, [isDark, palette]);

  const theme = useMemo<Theme>(
    () => ({
      choice,
      isDark,
      palette,
      choose: (next) => {
        setChoice(next);
        keep(next);
      },
    }),
    [choice, isDark, palette],
  );
  const tokens = useMemo(() => tokensOf(palette, isDark), [palette, isDark]);
  return (
    <ThemeContext value={theme}>
      <ConfigProvider
        theme={tokens}
        locale={antdLocale()}
        direction={language.dir}
        csp={{ nonce: cspNonce() }}
        button={{ autoInsertSpace: false }}
      >
        {children}
      </ConfigProvider>
    </ThemeContext>
  );
}

/** The colours in use and the switch. */
export function useTheme(): Theme {
  return use(ThemeContext);
}

function tokensOf(palette: Palette, isDark: boolean): ThemeConfig {
  return {
    algorithm: isDark ? antd.darkAlgorithm : antd.defaultAlgorithm,
    token: {
      colorPrimary: palette.accent,
      colorPrimaryHover: palette.accentStrong,
      colorPrimaryActive: palette.accentStrong,
      colorInfo: palette.accent,
      colorLink: palette.link,
      colorError: isDark ? "#e5534b" : palette.bad,
      colorSuccess: palette.good,
      colorWarning: palette.warn,
      colorBgLayout: palette.canvas,
      colorBgContainer: palette.surface,
      colorBgElevated: palette.raised,
      colorBorder: isDark ? "#3d4453" : "#cfd3db",
      colorBorderSecondary: palette.line,
      colorText: palette.text,
      colorTextSecondary: palette.muted,
      colorTextDescription: palette.muted,
      colorTextTertiary: palette.muted,
      colorTextPlaceholder: isDark ? "#8b92a3" : "#6b7280",
      borderRadius: 8,
      fontFamily: FONT,
      fontSize: 14,
      motion: !prefersCalm.matches, // nothing waits for the end of what base.css leaves out
    },
    components: {
      Drawer: { colorBgElevated: palette.surface },
      // Under the pointer words stay readable; dangerous buttons have their words in this colour, or on it.
      Button: {
        defaultHoverColor: palette.link,
        defaultHoverBorderColor: palette.link,
        defaultActiveColor: palette.link,
        defaultActiveBorderColor: palette.link,
        colorError: palette.bad,
        colorErrorHover: palette.bad,
        colorErrorActive: palette.bad,
        dangerColor: isDark ? palette.badSoft : palette.onAccent,
      },
      Dropdown: { colorError: palette.bad },
      Tabs: { itemSelectedColor: palette.link, inkBarColor: palette.link, itemHoverColor: palette.link },
    },
  };
}

function kept(): ThemeChoice {
  try {
    const value = window.localStorage.getItem(KEPT);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system"; // storage can be forbidden
  }
}

function keep(choice: ThemeChoice): void {
  try {
    window.localStorage.setItem(KEPT, choice);
  } catch {
    // then it is for this visit only
  }
}

function onSystemChange(listener: () => void): () => void {
  prefersDark.addEventListener("change", listener);
  return () => prefersDark.removeEventListener("change", listener);
}
