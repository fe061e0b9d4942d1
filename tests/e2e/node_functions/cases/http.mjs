import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";

export const text = awslambda.streamifyResponse(async (event, stream) => {
  const answer = awslambda.HttpResponseStream.from(stream, {
    statusCode: 201,
    headers: { "content-type": "text/plain" },
    cookies: ["a=b"],
  });
  answer.write("hel");
  answer.end(`lo ${event}`);
});

export const bytes = awslambda.streamifyResponse(async (_event, stream) => {
  const answer = awslambda.HttpResponseStream.from(stream, { headers: { "content-type": "image/png" } });
  await pipeline(Readable.from([Buffer.from([0xff, 0x00]), Buffer.from([0xfe])]), answer);
});
