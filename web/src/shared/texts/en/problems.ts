export const problems = {
  title: "The request failed",
  "failed(status: number)": "The host answered with status {status}.",
  failedRemedy: "Try again. If it fails again, read the host's log.",
  noAnswer: {
    fact: "The host does not answer.",
    remedy: "Check that `omnicore run` is running, then try again.",
  },
  unknown: "Something unexpected happened.",
  unknownRemedy: "Reload the page.",
  sessionChanged: {
    fact: "Somebody logged in or out in another tab.",
    remedy: "Check which user you are now, then try again.",
  },
  pageTitle: "This page failed",
  pageRemedy: "Reload it. If it fails again, see the browser's console for details.",
  reload: "Reload",
  notFoundTitle: "Page not found",
  notFoundRemedy: "The address may be out of date, or the item was removed.",
  toHome: "Go to the start page",
  forbiddenTitle: "Your role does not permit this",
  "forbiddenRemedy(role: string)": "Ask an administrator; it needs the role {role}.",
};
