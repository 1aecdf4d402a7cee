import { Checkbox, Modal } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag, type Tone } from "@/shared/ui/state-tag";
import { bytes } from "@/shared/ui/units";

import { useInstallPackageMutation } from "../api/install-package";
import { useLookAtPackageQuery } from "../api/look-at-package";
import { pluginPath, reviewTab } from "../logic/review";
import styles from "./gallery.module.css";
import { UpgradeChanges } from "./upgrade-changes";

const words = texts.plugins.gallery;
type Look = Schemas["PackageLook"];
const TONES: Record<Look["publisher"]["decision"], Tone> = { accept: "good", ask: "warn", refuse: "bad" };

interface Props {
  isOpen: boolean;
  reference: string;
  name: string;
  installed: string | null;
  onClose: () => void;
}

/** Has the host fetch and check a package, shows who made it and what it asks for, and installs what was shown. */
export function InstallDialog({ isOpen, reference, name, installed, onClose }: Props) {
  const {
    currentData: look,
    error,
    isFetching,
    refetch,
  } = useLookAtPackageQuery(reference, {
    skip: !isOpen,
    refetchOnMountOrArgChange: true,
  });
  const [install, installing] = useInstallPackageMutation();
  const [isAccepted, setAccepted] = useState(false);
  const navigate = useNavigate();
  const decision = look?.publisher.decision;
  const isReady = look !== undefined && (decision === "accept" || (decision === "ask" && isAccepted));
  const confirm = async () => {
    if (!look || !isReady) return;
    const order = { reference, digest: look.digest, accept_publisher: decision === "ask" };
    const { data: plugin } = await install(order);
    if (plugin) await navigate(pluginPath(plugin.name, reviewTab(plugin)));
  };
  const version = look?.version ?? "";
  return (
    <Modal
      open={isOpen}
      title={
        installed === null ? words.lookTitle(name, version) : words.updateTitle(name, installed, version)
      }
      okText={installed === null ? words.install : words.update}
      okButtonProps={{ disabled: !isReady, loading: installing.isLoading }}
      cancelText={texts.common.cancel}
      onOk={() => void confirm()}
      onCancel={onClose}
      afterClose={() => {
        setAccepted(false);
        installing.reset();
      }}
      mask={{ closable: !installing.isLoading }}
      width={680}
      destroyOnHidden
    >
      {isFetching && (
        <>
          <p className={styles["muted"]}>{words.fetching}</p>
          <Loading rows={4} />
        </>
      )}
      {!isFetching && <ProblemNotice problem={error} onRetry={() => void refetch()} />}
      {look && !isFetching && (
        <div className={styles["look"]}>
          <Publisher look={look} />
          {decision === "ask" && (
            <Checkbox checked={isAccepted} onChange={(event) => setAccepted(event.target.checked)}>
              {words.accept}
            </Checkbox>
          )}
          <p>{nextOf(look, installed !== null)}</p>
          <UpgradeChanges upgrade={look.upgrade} />
        </div>
      )}
      <ProblemNotice problem={installing.error} />
    </Modal>
  );
}

function Publisher({ look: { publisher, size_bytes, digest } }: { look: Look }) {
  return (
    <Facts
      facts={[
        [
          words.signedBy,
          <span key="publisher">
            {publisher.publisher || words.nobody}{" "}
            <StateTag
              state={publisher.decision}
              tone={TONES[publisher.decision]}
              label={words.decisions[publisher.decision]}
            />
            <small>
              {[publisher.reason, publisher.decision !== "accept" && publisher.remedy]
                .filter(Boolean)
                .join("; ")}
            </small>
          </span>,
        ],
        [words.size, bytes(size_bytes)],
        [words.digest, <code key="digest">{digest}</code>],
      ]}
    />
  );
}

/** What becomes of it once it is installed. */
function nextOf({ upgrade: { changes } }: Look, isUpdate: boolean): string {
  const asks = changes.some(({ change }) => change === "new" || change === "wider");
  if (!asks) return isUpdate ? words.servesUpdate : words.serves;
  return isUpdate ? words.waitsUpdate : words.waits;
}
