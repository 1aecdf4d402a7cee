import { useMemo } from "react";
import { useNavigate } from "react-router";

import { useMay } from "@/shared/hooks/use-may";
import { choose as chooseLanguage, CHOICES, tag } from "@/shared/language/language";
import { texts } from "@/shared/texts";
import { useTheme } from "@/shared/theme/theme-provider";

import { PAGES } from "../pages";
import type { Overlay } from "../shell/shell";
import { useListPalettePluginsQuery } from "./list-palette-plugins";
import { useListPaletteWorkflowsQuery } from "./list-palette-workflows";
import type { Target } from "./matching";

/** All that the palette can find for the one who is logged in. */
export function useTargets(onOpen: (overlay: Overlay) => void): Target[] {
  const navigate = useNavigate();
  const { isDark, choose } = useTheme();
  const { data } = useListPalettePluginsQuery();
  const workflows = useListPaletteWorkflowsQuery().data;
  const isAdmin = useMay("admin");
  return useMemo(() => {
    const go = (path: string) => () => void navigate(path);
    const { pages, actions } = texts.shell;
    const targets: Target[] = PAGES.map((page) => ({
      id: page.path,
      group: "pages",
      label: pages[page.name],
      run: go(page.path),
    }));
    for (const { id, name, title } of workflows?.items ?? []) {
      const path = `/workflows/${encodeURIComponent(id)}`;
      targets.push({ id: path, group: "workflows", label: title || name, hint: id, run: go(path) });
    }
    for (const plugin of data?.items ?? []) {
      const path = `/plugins/${encodeURIComponent(plugin.name)}`;
      targets.push({
        id: path,
        group: "plugins",
        label: plugin.name,
        hint: plugin.description,
        run: go(path),
      });
    }
    const add = (id: string, label: string, run: () => void) =>
      targets.push({ id, group: "actions", label, run });
    add("runs", actions.runs, go("/runs"));
    add("failed-runs", actions.failedRuns, go("/runs?status=faulted"));
    add("approvals", actions.approvals, go("/approvals"));
    if (isAdmin) {
      add("new-workflow", actions.newWorkflow, go("/workflows/new"));
      add("import-workflow", actions.importWorkflow, go("/workflows?import"));
      add("upload", actions.upload, go("/plugins?upload"));
      add("connector", actions.addConnector, go("/connectors?add"));
      add("users", actions.users, go("/settings/users"));
      add("tokens", actions.tokens, go("/settings/tokens"));
      add("audit", actions.audit, go("/settings/audit"));
    }
    add("theme", isDark ? actions.toLight : actions.toDark, () => choose(isDark ? "light" : "dark"));
    for (const { tag: other, name } of CHOICES) {
      if (other !== tag)
        add(`language-${other}`, `${texts.shell.language}: ${name}`, () => chooseLanguage(other));
    }
    add("help", texts.shell.shortcuts, () => onOpen("help"));
    return targets;
  }, [navigate, isDark, choose, data, workflows, isAdmin, onOpen]);
}
