export const problems = {
  title: "That did not work",
  failed: (status: number) => `The host answered with status ${status}.`,
  failedRemedy: "Try again; if it stays so, look at the host's log.",
  noAnswer: {
    fact: "The host does not answer.",
    remedy: "See whether `omnicore run` is running, then try again.",
  },
  unknown: "Something unexpected happened.",
  unknownRemedy: "Load the page again.",
  sessionChanged: {
    fact: "Somebody logged in or out in another tab.",
    remedy: "See who you are now, then try again.",
  },
  pageTitle: "This page has failed",
  pageRemedy: "Load it again; if it stays so, the browser's console tells more.",
  reload: "Load again",
  notFoundTitle: "Nothing is here",
  notFoundRemedy: "The address may be old, or what it named is gone.",
  toHome: "Go to the start page",
  forbiddenTitle: "This is not for your role",
  forbiddenRemedy: (role: string) => `Ask an administrator; it needs the role ${role}.`,
};
