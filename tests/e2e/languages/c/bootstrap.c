/* The smallest runtime in C: plain sockets, one event after the other, until the server closes the connection. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static char api[256];
static char message[1 << 16];

static int dial(void) {
    char host[256] = {0};
    char *colon = strrchr(api, ':');
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    memcpy(host, api, (size_t)(colon - api));
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) exit(1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) exit(1);
    return fd;
}

/* Send a request and read one answer whole; returns where its body begins. */
static char *exchange(int fd, const char *request) {
    size_t got = 0;
    if (write(fd, request, strlen(request)) < 0) exit(1);
    for (;;) {
        ssize_t count = read(fd, message + got, sizeof message - got - 1);
        if (count <= 0) exit(1);
        got += (size_t)count;
        message[got] = 0;
        char *body = strstr(message, "\r\n\r\n");
        char *length = strcasestr(message, "\r\ncontent-length:");
        if (body && length && got >= (size_t)(body + 4 - message) + (size_t)atol(length + 17)) return body + 4;
    }
}

static void post(int fd, const char *id, const char *what, const char *body) {
    static char request[1 << 17];
    snprintf(request, sizeof request,
             "POST /2018-06-01/runtime/invocation/%s/%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n%s",
             id, what, api, strlen(body), body);
    exchange(fd, request);
}

int main(void) {
    static char next[512], answer[1 << 16], id[64];
    const char *greeting = getenv("GREETING");
    snprintf(api, sizeof api, "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
    snprintf(next, sizeof next, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", api);
    int fd = dial();
    for (int count = 1;; count++) {
        char *event = exchange(fd, next);
        char *header = strcasestr(message, "\r\nlambda-runtime-aws-request-id:");
        if (sscanf(header, "%*[^:]: %63[^\r]", id) != 1) exit(1);
        if (strstr(event, "\"do\":\"leave\"")) exit(3);
        char *value = strstr(event, "\"value\":\"");
        if (strstr(event, "\"do\":\"say\"") && value) fprintf(stderr, "said %.*s\n", (int)strcspn(value + 9, "\""), value + 9);
        if (strstr(event, "\"do\":\"fail\"")) {
            post(fd, id, "error", "{\"errorMessage\": \"not that one\", \"errorType\": \"Refused\"}");
            continue;
        }
        snprintf(answer, sizeof answer,
                 "{\"language\": \"c\", \"event\": %s, \"count\": %d, \"request\": \"%s\", \"greeting\": \"%s\"}",
                 event, count, id, greeting ? greeting : "");
        post(fd, id, "response", answer);
    }
}
