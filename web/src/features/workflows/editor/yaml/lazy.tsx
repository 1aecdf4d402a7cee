import { lazy, Suspense } from "react";

import { Loading } from "@/shared/ui/loading";

import type { TextDiffProps } from "./text-diff";
import type { YamlPaneProps } from "./yaml-pane";

const YamlPane = lazy(() => import("./yaml-pane"));
const TextDiff = lazy(() => import("./text-diff"));

/** What draws texts is large, so it is loaded when one is shown. */
export function LazyYamlPane(props: YamlPaneProps) {
  return (
    <Suspense fallback={<Loading rows={6} />}>
      <YamlPane {...props} />
    </Suspense>
  );
}

export function LazyTextDiff(props: TextDiffProps) {
  return (
    <Suspense fallback={<Loading rows={6} />}>
      <TextDiff {...props} />
    </Suspense>
  );
}
