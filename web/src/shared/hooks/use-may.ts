import { type Role, useGetSessionQuery, type User } from "@/shared/api/session";

const RANK: Record<Role, number> = { nobody: 0, viewer: 1, operator: 2, admin: 3 };

/** Whether a user may do what needs a role, in general or with one plugin. */
export function may(user: User | null | undefined, needs: Role, plugin?: string): boolean {
  if (!user) return false;
  const own = RANK[user.role];
  const there =
    plugin !== undefined && Object.hasOwn(user.plugins, plugin) ? user.plugins[plugin] : undefined;
  return Math.max(own, there ? RANK[there] : 0) >= RANK[needs];
}

/** Whether the one who is logged in may do what needs a role; what one may not do is not offered. */
export function useMay(needs: Role, plugin?: string): boolean {
  const { data } = useGetSessionQuery();
  return may(data?.user, needs, plugin);
}
