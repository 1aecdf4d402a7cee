import { createBrowserRouter, type RouteObject } from "react-router";

import { prefix } from "@/shared/api/prefix";
import { type Area, loadTexts } from "@/shared/texts/load";
import { Loading } from "@/shared/ui/loading";

import { NotFoundPage } from "./not-found-page";
import { RouteProblem } from "./route-problem";
import { SessionGate } from "./session-gate";

/** Loads the texts of a page, then the page, which reads them at once. `scripts/texts.mjs` finds out which it names. */
const page =
  <Page,>(load: () => Promise<Page>, ...areas: Area[]) =>
  async () => {
    await loadTexts(...areas);
    return load();
  };

/** Every page is a chunk of its own; its feature's index exports it as `Component`. */
const pages: RouteObject[] = [
  { index: true, lazy: page(() => import("@/features/home"), "home") },
  { path: "plugins", lazy: page(() => import("@/features/plugins"), "plugins") },
  { path: "plugins/:plugin/:tab?", lazy: page(() => import("@/features/plugins/detail"), "plugins") },
  { path: "gallery", lazy: page(() => import("@/features/plugins/gallery"), "plugins") },
  { path: "gallery/:name", lazy: page(() => import("@/features/plugins/gallery-entry"), "plugins") },
  { path: "workflows", lazy: page(() => import("@/features/workflows"), "workflows") },
  { path: "runs", lazy: page(() => import("@/features/workflows"), "workflows") },
  { path: "approvals", lazy: page(() => import("@/features/workflows"), "workflows") },
  { path: "searches", lazy: page(() => import("@/features/workflows"), "workflows") },
  {
    path: "searches/:search",
    lazy: page(() => import("@/features/workflows/evolution"), "workflows", "workflowsEditor"),
  },
  {
    path: "workflows/new",
    lazy: page(() => import("@/features/workflows/editor"), "workflows", "workflowsEditor", "connectors"),
  },
  {
    path: "workflows/:workflow/edit",
    lazy: page(() => import("@/features/workflows/editor"), "workflows", "workflowsEditor", "connectors"),
  },
  { path: "workflows/:workflow", lazy: page(() => import("@/features/workflows/overview"), "workflows") },
  {
    path: "workflows/runs/:run",
    lazy: page(() => import("@/features/workflows/run"), "workflows", "workflowsEditor", "connectors"),
  },
  { path: "tasks/:tab?", lazy: page(() => import("@/features/tasks"), "tasks") },
  { path: "memory/:tab?", lazy: page(() => import("@/features/memory"), "memory") },
  { path: "connectors/:tab?", lazy: page(() => import("@/features/connectors"), "connectors") },
  { path: "hosts", lazy: page(() => import("@/features/hosts"), "hosts") },
  { path: "events", lazy: page(() => import("@/features/events"), "events") },
  { path: "settings/:tab?", lazy: page(() => import("@/features/settings"), "settings") },
  { path: "*", Component: NotFoundPage },
];

export const router = createBrowserRouter(
  [
    {
      ErrorBoundary: RouteProblem,
      HydrateFallback: () => <Loading />,
      children: [
        { path: "login", lazy: () => import("@/features/session/login") },
        { path: "setup", lazy: () => import("@/features/session/setup") },
        // The inner boundary keeps the navigation when a page fails.
        { Component: SessionGate, children: [{ ErrorBoundary: RouteProblem, children: pages }] },
      ],
    },
  ],
  { basename: `${prefix}/console` },
);
