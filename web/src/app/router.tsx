import { prefix } from "@/shared/api/prefix";
import { createBrowserRouter, type RouteObject } from "react-router";

import { NotFoundPage } from "./not-found-page";
import { RouteProblem } from "./route-problem";
import { SessionGate } from "./session-gate";
import { Loading } from "@/shared/ui/loading";

/** Every page is a chunk of its own; its feature's index exports it as `Component`. */
const pages: RouteObject[] = [
  { index: true, lazy: () => import("@/features/home") },
  { path: "plugins", lazy: () => import("@/features/plugins") },
  { path: "plugins/:plugin/:tab?", lazy: () => import("@/features/plugins/detail") },
  { path: "gallery", lazy: () => import("@/features/plugins/gallery") },
  { path: "gallery/:name", lazy: () => import("@/features/plugins/gallery-entry") },
  { path: "workflows", lazy: () => import("@/features/workflows") },
  { path: "runs", lazy: () => import("@/features/workflows") },
  { path: "approvals", lazy: () => import("@/features/workflows") },
  { path: "searches", lazy: () => import("@/features/workflows") },
  { path: "searches/:search", lazy: () => import("@/features/workflows/evolution") },
  { path: "workflows/new", lazy: () => import("@/features/workflows/editor") },
  { path: "workflows/:workflow/edit", lazy: () => import("@/features/workflows/editor") },
  { path: "workflows/:workflow", lazy: () => import("@/features/workflows/overview") },
  { path: "workflows/runs/:run", lazy: () => import("@/features/workflows/run") },
  { path: "tasks/:tab?", lazy: () => import("@/features/tasks") },
  { path: "memory/:tab?", lazy: () => import("@/features/memory") },
  { path: "connectors/:tab?", lazy: () => import("@/features/connectors") },
  { path: "hosts", lazy: () => import("@/features/hosts") },
  { path: "events", lazy: () => import("@/features/events") },
  { path: "settings/:tab?", lazy: () => import("@/features/settings") },
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
