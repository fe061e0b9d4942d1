#!/bin/sh
# A runtime in shell, as the Lambda guide shows one: curl asks for events, functions of the shell answer them.
set -eu
base="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
if [ "$_HANDLER" = init_error ]; then
    curl -sS -X POST "$base/init/error" -H "Lambda-Runtime-Function-Error-Type: Function.NoSettings" \
        -d '{"errorMessage": "no settings", "errorType": "Function.NoSettings"}' >/dev/null
    exit 1
fi
while true; do
    event=$(curl -sS -D /tmp/headers "$base/invocation/next")
    id=$(sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *\([^[:cntrl:]]*\).*/\1/p' /tmp/headers)
    echo "event $event"
    case "$event" in
    '"fail"')
        curl -sS -X POST "$base/invocation/$id/error" -H "Lambda-Runtime-Function-Error-Type: Function.Refused" \
            -d '{"errorMessage": "not that one", "errorType": "Refused"}' >/dev/null ;;
    '"leave"') exit 127 ;;
    *)
        curl -sS -X POST "$base/invocation/$id/response" -d "{\"handler\": \"$_HANDLER\", \"event\": $event}" >/dev/null ;;
    esac
done
