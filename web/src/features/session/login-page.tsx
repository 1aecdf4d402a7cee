import { prefix } from "@/shared/api/prefix";
import { Button } from "antd";
import { type SubmitEvent, useState } from "react";
import { Navigate, useLocation } from "react-router";

import { ending } from "@/shared/api/ending";
import { useGetSessionQuery } from "@/shared/api/session";
import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useCreateSessionMutation } from "./api/create-session";
import { EntryCard } from "./components/entry-card";
import { TextField } from "./components/text-field";
import { problemOfHash } from "./hash";
import { returnPath } from "./return-path";

/** Name and password, or another provider when one is set. */
export function LoginPage() {
  const { data: session } = useGetSessionQuery();
  const [login, { isLoading, error }] = useCreateSessionMutation();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [isTried, setTried] = useState(false);
  const { search, hash } = useLocation();
  const [isEnded] = useState(ending.isLost);

  if (session?.user) return <Navigate to={returnPath(search)} replace />;
  if (session?.setup) return <Navigate to="/setup" replace />;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    if (name && password) void login({ name, password });
  };
  const missing = (value: string) => (isTried && !value ? texts.session.required : undefined);
  return (
    <EntryCard title={texts.session.loginTitle} lead={texts.session.loginLead}>
      {isEnded && <p role="status">{texts.session.ended}</p>}
      <form onSubmit={submit} noValidate>
        <TextField
          label={texts.session.name}
          value={name}
          onChange={setName}
          autoComplete="username"
          isFirst
          error={missing(name)}
        />
        <TextField
          label={texts.session.password}
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          isSecret
          error={missing(password)}
        />
        <ProblemNotice problem={error ?? (isLoading ? undefined : problemOfHash(hash))} />
        <Button
          type="primary"
          size="large"
          htmlType="submit"
          block
          loading={isLoading}
          style={{ marginTop: 8 }}
        >
          {texts.session.login}
        </Button>
      </form>
      {session?.oidc && (
        <Button size="large" block href={`${prefix}/api/v1/oidc/login`} style={{ marginTop: 12 }}>
          {texts.session.loginBy(session.oidc.name)}
        </Button>
      )}
    </EntryCard>
  );
}
