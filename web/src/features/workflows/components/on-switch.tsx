import { Switch, Tooltip } from "antd";

import { asProblem } from "@/shared/api/problem";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";

import { useSwitchWorkflowMutation } from "../api/switch-workflow";

/** Whether a workflow may be started, to be changed by administrators. */
export function OnSwitch({ id, isOn }: { id: string; isOn: boolean }) {
  const mayEdit = useMay("admin");
  const [change, { error, isLoading, originalArgs }] = useSwitchWorkflowMutation();
  return (
    <Tooltip {...(error && { title: asProblem(error).fact, open: true })}>
      <Switch
        size="small"
        aria-label={texts.workflows.switchOn(id)}
        checked={isLoading ? (originalArgs?.on ?? isOn) : isOn}
        loading={isLoading}
        disabled={!mayEdit}
        onClick={(_on, event) => event.stopPropagation()}
        onChange={(on) => void change({ workflow: id, on })}
      />
    </Tooltip>
  );
}
