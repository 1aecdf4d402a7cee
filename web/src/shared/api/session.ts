import { api } from "./base-api";
import { csrf } from "./csrf";
import type { Schemas } from "./types";

export type Session = Schemas["Session"];
export type User = Schemas["SessionUser"];
/** What somebody may do; each role may do what those before it may. */
export type Role = User["role"];

/** Keeps the token that the next writes must carry. For every request that answers with a session. */
export function keepCsrf(session: Session): Session {
  csrf.token = session.csrf;
  return session;
}

export const { useGetSessionQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getSession: build.query<Session, void>({
      query: () => "api/v1/session",
      transformResponse: keepCsrf,
      providesTags: ["Session"],
    }),
  }),
});
