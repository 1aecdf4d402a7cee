import KeyOutlined from "@ant-design/icons/KeyOutlined";
import { Button } from "antd";
import { useState } from "react";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { useNow } from "@/shared/hooks/use-now";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListTokensInfiniteQuery } from "../api/list-tokens";
import { useRemoveTokenMutation } from "../api/remove-token";
import { AddTokenDialog } from "./add-token-dialog";
import { TabHead } from "./tab-head";

type Token = Schemas["Token"];

/** One's own tokens, to administrators all of them. */
export function TokensTab() {
  const pages = useListTokensInfiniteQuery();
  const isAdmin = useMay("admin");
  const now = useNow() / 1000;
  const [isAdding, setAdding] = useState(false);
  const [revoked, setRevoked] = useState<Token>();
  const [revoke, { isLoading, error, reset }] = useRemoveTokenMutation();
  const words = texts.settings.tokens;
  const close = () => {
    setRevoked(undefined);
    reset();
  };
  const add = (
    <Button type="primary" onClick={() => setAdding(true)}>
      {words.add}
    </Button>
  );
  return (
    <>
      <TabHead title={words.title} lead={words.lead} actions={add} />
      <CursorTable
        label={words.title}
        columns={columnsFor(isAdmin, now, setRevoked)}
        rows={rowsOf(pages.data)}
        rowKey={(token) => token.id}
        pages={pages}
        empty={<EmptyState icon={<KeyOutlined />} title={words.none} next={words.noneNext} />}
      />
      <AddTokenDialog isOpen={isAdding} onClose={() => setAdding(false)} />
      {revoked && (
        <ConfirmDialog
          isOpen
          title={words.revokeTitle(revoked.name)}
          action={words.revoke}
          name={revoked.name}
          isBusy={isLoading}
          problem={error}
          onConfirm={() =>
            void revoke(revoked.id).then((answer) => {
              if (!answer.error) close();
            })
          }
          onClose={close}
        >
          {words.revokeText}
        </ConfirmDialog>
      )}
    </>
  );
}

function columnsFor(isAdmin: boolean, now: number, onRevoke: (token: Token) => void): Column<Token>[] {
  const words = texts.settings.tokens;
  const owner: Column<Token> = {
    key: "owner",
    title: words.owner,
    width: "minmax(90px, 1fr)",
    render: (token) => token.owner ?? words.noOwner,
  };
  return [
    { key: "name", title: words.name, width: "minmax(130px, 1.6fr)", render: (token) => token.name },
    ...(isAdmin ? [owner] : []),
    {
      key: "role",
      title: texts.settings.fields.role,
      width: "minmax(100px, 0.8fr)",
      render: (token) => texts.shell.roles[token.role],
    },
    {
      key: "scopes",
      title: words.scopes,
      width: "minmax(90px, 1fr)",
      render: (token) => (
        <span title={token.scopes?.join(", ")}>{token.scopes?.join(", ") ?? words.allScopes}</span>
      ),
    },
    {
      key: "used",
      title: words.lastUsed,
      width: "minmax(100px, 0.9fr)",
      render: (token) => <TimeAgo at={token.last_used_at} />,
    },
    {
      key: "expires",
      title: words.expires,
      width: "minmax(100px, 0.9fr)",
      render: (token) =>
        token.expires_at !== null && token.expires_at <= now ? (
          <StateTag state="expired" tone="warn" label={words.expired} />
        ) : (
          <TimeAgo at={token.expires_at} />
        ),
    },
    {
      key: "actions",
      title: texts.settings.actions,
      width: "84px",
      render: (token) => (
        <Button size="small" danger aria-label={words.revokeName(token.name)} onClick={() => onRevoke(token)}>
          {words.revoke}
        </Button>
      ),
    },
  ];
}
