/** The token of this session that proves that a write comes from this page. */
export const csrf: { token: string | null } = { token: null };
