// A command as somebody would write it: it knows nothing of this host. Built by build.sh.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void attempt(const char *what, int failed) {
  printf("%s: %s\n", what, failed ? strerror(errno) : "done");
}

static int copy_upper(const char *from, const char *to) {
  FILE *in = fopen(from, "r"), *out = fopen(to, "w");
  if (!in || !out) return -1;
  for (int c; (c = fgetc(in)) != EOF;) fputc(c >= 'a' && c <= 'z' ? c - 32 : c, out);
  return fclose(in) | fclose(out);
}

static void list(const char *path) {
  DIR *folder = opendir(path);
  if (!folder) { attempt("list", 1); return; }
  int files = 0, folders = 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_type == DT_REG) files++;
    if (entry->d_type == DT_DIR) folders++;
  }
  closedir(folder);
  printf("list: %d files, %d folders\n", files, folders);
}

int main(int count, char **arguments) {
  char line[100];
  printf("arguments: %d %s, HOME: %s\n", count, count > 1 ? arguments[1] : "-", getenv("HOME") ? getenv("HOME") : "-");
  printf("input: %s\n", fgets(line, sizeof line, stdin) ? line : "none");
  attempt("copy", copy_upper("/data/in.txt", "/data/out.txt"));
  attempt("mkdir", mkdir("/data/sub", 0777));
  attempt("rename", rename("/data/out.txt", "/data/sub/out.txt"));
  list("/data");
  struct stat found;
  attempt("stat", stat("/data/sub/out.txt", &found));
  printf("size: %d\n", (int)found.st_size);
  attempt("escape", open("/data/../secret", O_RDONLY) < 0);
  attempt("unlink", unlink("/data/sub/out.txt"));
  attempt("rmdir", rmdir("/data/sub"));
  attempt("none", open("/etc/passwd", O_RDONLY) < 0);
  attempt("sleep", usleep(1000));
  fprintf(stderr, "time moved: %d\n", time(NULL) > 0);
  return 7;
}
