import ApiOutlined from "@ant-design/icons/ApiOutlined";
import AppstoreOutlined from "@ant-design/icons/AppstoreOutlined";
import AuditOutlined from "@ant-design/icons/AuditOutlined";
import BranchesOutlined from "@ant-design/icons/BranchesOutlined";
import ClockCircleOutlined from "@ant-design/icons/ClockCircleOutlined";
import CloudOutlined from "@ant-design/icons/CloudOutlined";
import CodeOutlined from "@ant-design/icons/CodeOutlined";
import EditOutlined from "@ant-design/icons/EditOutlined";
import ExclamationCircleOutlined from "@ant-design/icons/ExclamationCircleOutlined";
import ForkOutlined from "@ant-design/icons/ForkOutlined";
import GroupOutlined from "@ant-design/icons/GroupOutlined";
import HomeOutlined from "@ant-design/icons/HomeOutlined";
import NotificationOutlined from "@ant-design/icons/NotificationOutlined";
import PartitionOutlined from "@ant-design/icons/PartitionOutlined";
import QuestionCircleOutlined from "@ant-design/icons/QuestionCircleOutlined";
import RetweetOutlined from "@ant-design/icons/RetweetOutlined";
import SafetyOutlined from "@ant-design/icons/SafetyOutlined";
import SoundOutlined from "@ant-design/icons/SoundOutlined";

import { createElement } from "react";

import { Initials } from "@/shared/ui/initials";

import type { Kind } from "../model/tasks";

const ICONS: Record<string, typeof ApiOutlined> = {
  ask: AuditOutlined,
  set: EditOutlined,
  switch: BranchesOutlined,
  decide: BranchesOutlined,
  for: RetweetOutlined,
  fork: ForkOutlined,
  try: SafetyOutlined,
  do: GroupOutlined,
  raise: ExclamationCircleOutlined,
  wait: ClockCircleOutlined,
  emit: NotificationOutlined,
  listen: SoundOutlined,
  run: PartitionOutlined,
  script: CodeOutlined,
  http: CloudOutlined,
  openapi: CloudOutlined,
};

function iconOf(kind: Kind | "http" | "openapi", ref: unknown): typeof ApiOutlined {
  const name = kind === "call" && (ref === "http" || ref === "openapi") ? ref : kind;
  if (name !== "call") return ICONS[name] ?? QuestionCircleOutlined;
  const text = typeof ref === "string" ? ref : "";
  if (text.endsWith("@connectors")) return ApiOutlined;
  return text.endsWith("@host") ? HomeOutlined : AppstoreOutlined;
}

/** Of a plugin's or a connector's call: its first letters. */
function ownerOf(kind: string, ref: unknown): string | undefined {
  if (kind !== "call" || typeof ref !== "string" || ref.endsWith("@host")) return undefined;
  return ref.includes(".") ? ref.slice(0, ref.indexOf(".")) : undefined;
}

/** A small picture of what a task is, or the initials of whose function it calls; its words stand beside it. */
export function KindIcon({ kind, call }: { kind: string; call?: unknown }) {
  const owner = ownerOf(kind, call);
  if (owner) return <Initials name={owner} />;
  return createElement(iconOf(kind as Kind, call), { "aria-hidden": true });
}
