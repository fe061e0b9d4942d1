import time

time.sleep(1)


def handler(event, context):
    print("ran")
    return "ran"
