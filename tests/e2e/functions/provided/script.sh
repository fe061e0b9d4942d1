#!/bin/bash
# A runtime in shell: asks for events over one connection and answers them by their content.
set -eu
LC_ALL=C # lengths are bytes
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API##*:}"

# call METHOD PATH [BODY [HEADER]] sets $body, and $id where the answer has one.
call() {
    local line length=0 content=${3-} extra=${4:+$4$'\r\n'}
    printf '%s /2018-06-01/runtime/%s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n%s' \
        "$1" "$2" "$AWS_LAMBDA_RUNTIME_API" "$extra" "${#content}" "$content" >&3
    while IFS= read -r line <&3; do
        line=${line%$'\r'}
        [ -n "$line" ] || break
        case ${line,,} in
        content-length:*) length=${line##* } ;;
        lambda-runtime-aws-request-id:*) id=${line##* } ;;
        esac
    done
    body=
    if [ "$length" -gt 0 ]; then IFS= read -r -N "$length" body <&3; fi
}

if [ "$_HANDLER" = init_error ]; then
    call POST init/error '{"errorMessage": "no settings", "errorType": "Function.NoSettings"}' \
        "Lambda-Runtime-Function-Error-Type: Function.NoSettings"
    exit 1
fi
while true; do
    call GET invocation/next
    event=$body
    echo "event $event"
    case "$event" in
    '"fail"')
        call POST "invocation/$id/error" '{"errorMessage": "not that one", "errorType": "Refused"}' \
            "Lambda-Runtime-Function-Error-Type: Function.Refused" ;;
    '"leave"') exit 127 ;;
    *) call POST "invocation/$id/response" "{\"handler\": \"$_HANDLER\", \"event\": $event}" ;;
    esac
done
