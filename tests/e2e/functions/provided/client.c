/* The smallest runtime in C: plain sockets, one event after the other, until the server closes the connection.
   The answer is {"language": "c", "event": EVENT}. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static char api[64];
static char message[1 << 16];

static int dial(void) {
    char *colon = strrchr(api, ':');
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(colon + 1))};
    char host[64] = {0};
    memcpy(host, api, (size_t)(colon - api));
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        exit(1);
    }
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

int main(void) {
    static char request[1 << 17], answer[1 << 16], id[64];
    snprintf(api, sizeof api, "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
    int fd = dial();
    for (;;) {
        snprintf(request, sizeof request,
                 "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", api);
        char *event = exchange(fd, request);
        char *header = strcasestr(message, "\r\nlambda-runtime-aws-request-id:");
        if (sscanf(header, "%*[^:]: %63[^\r]", id) != 1) exit(1);
        snprintf(answer, sizeof answer, "{\"language\": \"c\", \"event\": %s}", event);
        fprintf(stderr, "answering %s\n", id);
        snprintf(request, sizeof request,
                 "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\n"
                 "Content-Length: %zu\r\n\r\n%s", id, api, strlen(answer), answer);
        exchange(fd, request);
    }
}
