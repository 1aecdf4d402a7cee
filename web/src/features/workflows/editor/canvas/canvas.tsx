import "@xyflow/react/dist/base.css";

import { Button } from "antd";
import { Background, Controls, MiniMap, ReactFlow, ReactFlowProvider } from "@xyflow/react";
import { useMemo } from "react";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { type Block, countOf } from "../model/tasks";
import { type CanvasActions, CanvasContext } from "./canvas-context";
import styles from "./canvas.module.css";
import { elementsOf } from "./elements";
import { NODE_TYPES } from "./nodes";
import { EDGE_TYPES } from "./routed-line";
import { useLayout } from "./use-layout";
import { Viewer } from "./viewer";

const FIT = { padding: 0.08, maxZoom: 1, minZoom: 0.55 };
const AWAY = { hideAttribution: true };
const words = texts.workflowsEditor;

/** Tasks of which a picture is made, things that are drawn whether or not they are in view, and things on the map. */
const MOST_DRAWN = 4_000;
const MOST_UNSEEN = 400;
const MOST_ON_MAP = 4_000;

export interface CanvasProps {
  root: Block;
  actions: CanvasActions;
}

/** The flow as blocks and lines. */
export default function Canvas(props: CanvasProps) {
  const count = useMemo(() => countOf(props.root), [props.root]);
  return count > MOST_DRAWN ? <TooLong count={count} actions={props.actions} /> : <Picture {...props} />;
}

function TooLong({ count, actions }: { count: number; actions: CanvasActions }) {
  return (
    <EmptyState
      title={words.tooLong(count)}
      next={words.tooLongNext}
      action={
        actions.openText && (
          <Button type="primary" onClick={actions.openText}>
            {words.openText}
          </Button>
        )
      }
    />
  );
}

function Picture({ root, actions }: CanvasProps) {
  const { laid, error } = useLayout(root);
  const elements = useMemo(() => laid && elementsOf(laid.root, laid.layout), [laid]);
  if (error) return <ProblemNotice problem={error} />;
  if (!elements) return <Loading rows={4} />;
  return (
    <CanvasContext value={actions}>
      <ReactFlowProvider>
        <ReactFlow
          className={styles["flow"] ?? ""}
          nodes={elements.nodes}
          edges={elements.edges}
          nodeTypes={NODE_TYPES}
          edgeTypes={EDGE_TYPES}
          onlyRenderVisibleElements={elements.nodes.length > MOST_UNSEEN}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          disableKeyboardA11y
          deleteKeyCode={null}
          selectionKeyCode={null}
          multiSelectionKeyCode={null}
          zoomActivationKeyCode={["Control", "Meta"]}
          zoomOnScroll={false}
          zoomOnDoubleClick={false}
          panOnScroll
          minZoom={0.2}
          maxZoom={1.5}
          proOptions={AWAY}
        >
          <Background gap={22} size={1} color="var(--oc-line)" />
          <Controls showInteractive={false} fitViewOptions={FIT} />
          {elements.nodes.length <= MOST_ON_MAP && (
            <MiniMap
              pannable
              zoomable
              nodeColor={colourOf}
              maskColor="color-mix(in srgb, var(--oc-canvas) 70%, transparent)"
            />
          )}
          <Viewer active={actions.active} flow={laid?.layout} />
        </ReactFlow>
      </ReactFlowProvider>
    </CanvasContext>
  );
}

function colourOf({ type }: { type?: string }): string {
  if (type === "task") return "var(--oc-muted)";
  return type === "start" ? "var(--oc-accent)" : type === "slot" ? "transparent" : "var(--oc-line)";
}
