/* A plain WASI command: standard input in upper case to standard output. A first line `exit N` ends it with N. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char line[4096];
    for (int first = 1; fgets(line, sizeof line, stdin); first = 0) {
        if (first && strncmp(line, "exit ", 5) == 0) {
            fprintf(stderr, "asked to end with %d\n", atoi(line + 5));
            return atoi(line + 5);
        }
        for (char *c = line; *c; c++) *c = toupper((unsigned char)*c);
        fputs(line, stdout);
    }
    return 0;
}
