package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.LinkedHashMap;
import java.util.Map;

/** A function whose events and results are maps. */
public class Handler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    private int count;

    public Handler() {
        if (System.getenv("BROKEN") != null) {
            throw new IllegalStateException("no settings");
        }
    }

    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        count++;
        switch (String.valueOf(event.get("do"))) {
            case "fail":
                throw new IllegalArgumentException("not that one", new IllegalStateException("it is closed"));
            case "say":
                System.out.println("said " + event.get("value"));
                context.getLogger().log("logged " + event.get("value") + "\n");
                break;
            case "leave":
                System.exit(3);
                break;
            case "heap":
                event = Map.of("megabytes", Runtime.getRuntime().maxMemory() >> 20);
                break;
            default:
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("language", "java");
        answer.put("event", event);
        answer.put("count", count);
        answer.put("request", context.getAwsRequestId());
        answer.put("greeting", System.getenv("GREETING"));
        return answer;
    }
}
