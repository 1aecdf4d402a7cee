import { Button } from "antd";
import { type SubmitEvent, useState } from "react";
import { Navigate, useLocation } from "react-router";

import { isAt, problemAt } from "@/shared/api/problem";
import { useGetSessionQuery } from "@/shared/api/session";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useCreateSetupMutation } from "./api/create-setup";
import { EntryCard } from "./components/entry-card";
import { TextField } from "./components/text-field";
import { keyOfHash } from "./hash";

/** Makes the first administrator with the key of the link on the terminal. */
export function SetupPage() {
  const { data: session, isLoading: isAsking } = useGetSessionQuery();
  const [setUp, { isLoading, error, isSuccess }] = useCreateSetupMutation();
  const { hash } = useLocation();
  const came = keyOfHash(hash);
  const [typed, setTyped] = useState("");
  const key = came || typed.trim();
  const [name, setName] = useState("admin");
  const [password, setPassword] = useState("");
  const [isTried, setTried] = useState(false);

  if (session?.user && (isSuccess || !session.setup)) return <Navigate to="/" replace />;
  if (session && !session.setup) return <Navigate to={came ? "/login?set-up" : "/login"} replace />;
  // Nobody shall type into a form that is taken away once the host has said that it is set up.
  if (isAsking) {
    return (
      <main style={{ padding: 24 }}>
        <Loading rows={6} />
      </main>
    );
  }
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    if (key && name && password) void setUp({ key, name, password });
  };
  const missing = (value: string) => (isTried && !value ? texts.session.required : undefined);
  return (
    <EntryCard title={texts.session.setupTitle} lead={texts.session.setupLead}>
      <form onSubmit={submit} noValidate>
        {!came && (
          <TextField
            label={texts.session.setupKey}
            value={typed}
            onChange={setTyped}
            autoComplete="off"
            isFirst
            hint={texts.session.setupKeyHint}
            error={missing(key)}
          />
        )}
        <TextField
          label={texts.session.name}
          value={name}
          onChange={setName}
          autoComplete="username"
          isFirst={Boolean(came)}
          error={missing(name) ?? problemAt(error, "name")}
        />
        <TextField
          label={texts.session.password}
          value={password}
          onChange={setPassword}
          autoComplete="new-password"
          isSecret
          hint={texts.session.newPasswordHint}
          error={missing(password) ?? problemAt(error, "password")}
        />
        {!isAt(error, "name", "password") && <ProblemNotice problem={error} />}
        <Button
          type="primary"
          size="large"
          htmlType="submit"
          block
          loading={isLoading}
          style={{ marginTop: 8 }}
        >
          {texts.session.setup}
        </Button>
      </form>
    </EntryCard>
  );
}
