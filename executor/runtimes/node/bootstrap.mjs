/**
 * The Node.js runtime: takes events from the Runtime API, calls the function, posts what it returns.
 *
 * One file without dependencies, Node.js 16 and later. It answers as AWS's own client does (README.md says where it
 * differs on purpose); `response` and the following `next` leave in one write over one connection.
 *
 * While the function works, our connection does not keep the event loop alive: an empty loop is how Node.js says that
 * nothing will call the callback any more, and Lambda's answer to that is the callback's result, or null.
 */

import fs from "node:fs";
import Module, { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import util from "node:util";

const API = "/2018-06-01/runtime";
const NEXT = `GET ${API}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n`;
const SPECIALISE = "GET /lockgate/specialise HTTP/1.1\r\nHost: runtime\r\n\r\n";
const HERE = fileURLToPath(import.meta.url);
const UNCAUGHT = 129; // exit codes of AWS's client
const UNHANDLED = 128;

// Under these symbols libraries (tracers, frameworks) look for what AWS's client keeps there.
const REQUEST_ID = Symbol.for("aws.lambda.runtime.requestId");
const TENANT_ID = Symbol.for("aws.lambda.runtime.tenantId");
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");

const require = createRequire(import.meta.url);

// --- errors -----------------------------------------------------------------------------------------

const runtimeErrors = {};
for (const name of ["ImportModuleError", "HandlerNotFound", "MalformedHandlerName", "UserCodeSyntaxError"]) {
  runtimeErrors[name] = class extends Error {};
  runtimeErrors[name].prototype.name = `Runtime.${name}`;
}

class UnhandledPromiseRejection extends Error {
  constructor(reason, promise) {
    super(reason);
    this.reason = reason;
    this.promise = promise;
  }
}
UnhandledPromiseRejection.prototype.name = "Runtime.UnhandledPromiseRejection";

const isText = (value) => typeof value === "string" && value !== "";
const looksLikeError = (value) => value && isText(value.name) && isText(value.message) && isText(value.stack);
const withoutDelete = (text) => text?.replace(/\x7F/g, "%7F");

/** What the caller gets of a failure: Lambda's three fields. */
function describe(failure) {
  try {
    if (util.types.isNativeError(failure) || looksLikeError(failure)) {
      return {
        errorType: withoutDelete(failure.name),
        errorMessage: withoutDelete(failure.message),
        trace: withoutDelete(failure.stack).split("\n"),
      };
    }
    return { errorType: typeof failure, errorMessage: failure.toString(), trace: [] };
  } catch {
    return {
      errorType: "handled",
      errorMessage:
        "callback called with Error argument, but there was a problem while retrieving one or more of its " +
        "message, name, and stack",
    };
  }
}

/** An error for the log: its own fields too, and the stack line by line. */
function logged(failure) {
  const spread = (_, value) => {
    if (!(value instanceof Error)) return value;
    const fields = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
    if (typeof value.stack === "string") fields.stack = value.stack.split("\n");
    return fields;
  };
  try {
    return `\t${JSON.stringify(failure, spread)}`;
  } catch {
    return `\t${JSON.stringify(describe(failure))}`;
  }
}

function logFailure(title, failure) {
  const error = failure instanceof Error ? failure : new Error(failure);
  if (logsAreJson()) console.error(error);
  else console.error(title, logged(error));
}

// --- the log ----------------------------------------------------------------------------------------

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const logsAreJson = () => process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";

/** One record, one line: line ends inside become carriage returns. It is out when this returns. */
function print(text) {
  const bytes = Buffer.from(`${text.replace(/\n/g, "\r")}\n`);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += fs.writeSync(1, bytes, written);
    } catch (problem) {
      if (problem.code !== "EAGAIN") return; // nobody reads any more
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // the pipe is full
    }
  }
}

const textRecord = (level, parameters) =>
  `${new Date().toISOString()}\t${globalThis[REQUEST_ID]}\t${level}\t${util.format(...parameters)}`;

function errorFields(error) {
  const stack = typeof error.stack === "string" ? error.stack.split("\n") : error.stack;
  return {
    errorType: error.constructor?.name ?? "UnknownError",
    errorMessage: error.message,
    stackTrace: stack,
  };
}

function jsonRecord(level, parameters) {
  const record = { timestamp: new Date().toISOString(), level, requestId: globalThis[REQUEST_ID] };
  if (globalThis[TENANT_ID] != null) record.tenantId = globalThis[TENANT_ID];
  if (parameters.length === 1) {
    record.message = parameters[0];
    const spread = (_, value) => (value instanceof Error ? { ...errorFields(value), ...value } : value);
    try {
      return JSON.stringify(record, spread);
    } catch {
      record.message = util.format(parameters[0]); // circular, or a BigInt
      return JSON.stringify(record);
    }
  }
  record.message = util.format(...parameters);
  const error = parameters.find((parameter) => parameter instanceof Error);
  return JSON.stringify(error ? { ...record, ...errorFields(error) } : record);
}

function patchConsole() {
  const record = logsAreJson() ? jsonRecord : textRecord;
  const lowest = Math.max(0, LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()));
  LEVELS.forEach((level, index) => {
    const isOn = index >= lowest || level === "FATAL";
    // A call without parameters logs `undefined`, as on Lambda.
    const log = (message, ...parameters) => print(record(level, [message, ...parameters]));
    console[level.toLowerCase()] = isOn ? log : () => {};
  });
  console.log = console.info;
}

// --- HTTP -------------------------------------------------------------------------------------------

/** One keep-alive connection to the Runtime API; `answered` gets each answer, in order. */
class Connection {
  #socket;
  #parts = [];
  #bytes = 0;
  #needed = 0; // bytes until the answer under way can be looked at again
  statusWhenClosed = 1;

  constructor(address, answered) {
    this.answered = answered;
    this.#socket = net.connect(address);
    this.#socket.on("data", (data) => this.#read(data));
    // The server is gone, or this environment is over.
    this.#socket.on("error", () => process.exit(this.statusWhenClosed));
    this.#socket.on("close", () => process.exit(this.statusWhenClosed));
    this.rest();
  }

  /** Keep the process alive until something comes. */
  wait() {
    this.#socket.ref();
  }

  /** Leave it to the function whether the process has anything to do. */
  rest() {
    this.#socket.unref();
  }

  send(text, sent) {
    this.#socket.write(text, sent);
  }

  #read(data) {
    this.#parts.push(data);
    this.#bytes += data.length;
    while (this.#bytes > 0 && this.#bytes >= this.#needed) {
      const buffer = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts, this.#bytes);
      this.#parts = [buffer];
      const end = buffer.indexOf("\r\n\r\n");
      if (end < 0) {
        this.#needed = this.#bytes + 1;
        return;
      }
      const [first, ...lines] = buffer.toString("utf8", 0, end).split("\r\n");
      const headers = {};
      for (const line of lines) {
        const colon = line.indexOf(":");
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      const stop = end + 4 + Number(headers["content-length"]);
      if (this.#bytes < stop) {
        this.#needed = stop;
        return;
      }
      this.#needed = 0;
      this.#parts = buffer.length > stop ? [buffer.subarray(stop)] : [];
      this.#bytes = buffer.length - stop;
      this.answered(Number(first.slice(9, 12)), headers, buffer.subarray(end + 4, stop));
    }
  }
}

/** The bytes of a POST; `body` is text, or a Buffer. */
function post(where, body, extra = "") {
  const head =
    `POST ${API}/${where} HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n${extra}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return typeof body === "string" ? head + body : Buffer.concat([Buffer.from(head), body]);
}

function postError(where, failure) {
  const error = describe(failure);
  const type = /^[\w.:$-]{1,128}$/.test(error.errorType) ? error.errorType : "Error";
  const extra = `Lambda-Runtime-Function-Error-Type: ${type}\r\n`;
  return post(where, JSON.stringify(error), extra);
}

// --- answers that are streams -----------------------------------------------------------------------

/** What a streaming handler writes to. Collected: the answer goes out whole when the handler is done. */
class ResponseStream extends Writable {
  #chunks = [];
  #prelude = null;

  _write(chunk, _encoding, done) {
    this.#chunks.push(chunk);
    done();
  }

  write(chunk, ...rest) {
    const isData = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.write(isData ? chunk : JSON.stringify(chunk), ...rest);
  }

  setContentType(_type) {}

  static from(stream, prelude) {
    stream.#prelude = prelude;
    return stream;
  }

  /** The body to post: with a prelude, the answer of an HTTP function; else the bytes as they were written. */
  collected() {
    const body = Buffer.concat(this.#chunks);
    if (this.#prelude === null) return body;
    const text = body.toString("utf8");
    const isText = Buffer.compare(Buffer.from(text, "utf8"), body) === 0;
    return JSON.stringify({
      statusCode: 200,
      ...this.#prelude,
      body: isText ? text : body.toString("base64"),
      isBase64Encoded: !isText,
    });
  }
}

function defineStreaming() {
  if (/^(1|true)$/.test(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA ?? "")) return;
  globalThis.awslambda = {
    streamifyResponse: (handler, _options) => {
      handler[STREAMING] = "response";
      return handler;
    },
    HttpResponseStream: { from: ResponseStream.from },
  };
}

// --- the function -----------------------------------------------------------------------------------

const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/** Whether the nearest package.json above says `"type": "module"`. */
function isModulePackage(folder) {
  if (folder.endsWith("/node_modules")) return false;
  const file = path.join(folder, "package.json");
  if (fs.existsSync(file)) {
    try {
      return JSON.parse(fs.readFileSync(file, "utf8"))?.type === "module";
    } catch (problem) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, problem);
      return false;
    }
  }
  const above = path.dirname(folder);
  return above !== folder && isModulePackage(above);
}

async function loadModule(root, folder, name) {
  const file = path.resolve(root, folder, name);
  const imported = (suffix) => import(pathToFileURL(file + suffix).href);
  if (isFile(file)) return require(file);
  if (isFile(`${file}.js`)) return isModulePackage(path.dirname(file)) ? imported(".js") : require(`${file}.js`);
  if (isFile(`${file}.mjs`)) return imported(".mjs");
  if (isFile(`${file}.cjs`)) return require(`${file}.cjs`);
  return require(require.resolve(name, { paths: [root, path.resolve(root, folder)] }));
}

/** Its stack says where the mistake is, as far as Node.js told: our own frames help nobody. */
function syntaxError(problem) {
  const error = new runtimeErrors.UserCodeSyntaxError(problem);
  const place = problem.stack.split(/^SyntaxError\b/m)[0].trimEnd();
  if (place) error.stack = `${error.name}: ${error.message}\n${place}`;
  return error;
}

/** Load ``a/b.handler`` or ``a/b.exports.handler``. Throws with Lambda's type for the failure. */
async function findHandler(root, name) {
  if (name.includes("..")) {
    const advice = "Use absolute paths when specifying root directories in handler names.";
    throw new runtimeErrors.MalformedHandlerName(`'${name}' is not a valid handler name. ${advice}`);
  }
  const base = path.basename(name);
  const dot = base.indexOf(".");
  if (dot < 0) throw new runtimeErrors.MalformedHandlerName("Bad handler");
  let found;
  try {
    found = await loadModule(root, name.slice(0, name.indexOf(base)), base.slice(0, dot));
  } catch (problem) {
    if (problem instanceof SyntaxError) throw syntaxError(problem);
    if (problem?.code === "MODULE_NOT_FOUND") throw new runtimeErrors.ImportModuleError(problem);
    throw problem;
  }
  for (const key of base.slice(dot + 1).split(".")) found = found && found[key];
  if (!found) throw new runtimeErrors.HandlerNotFound(`${name} is undefined or not exported`);
  if (typeof found !== "function") throw new runtimeErrors.HandlerNotFound(`${name} is not a function`);
  return found;
}

/**
 * NODE_PATH for `import`, too, as on Lambda: Node.js itself looks there for `require` only. Not needed where the
 * folders above the code lead there already (a link, or a mount, `/node_modules`).
 */
function importFromNodePath() {
  const folders = (process.env.NODE_PATH ?? "")
    .split(path.delimiter)
    .filter((folder) => folder.endsWith("/node_modules") && fs.existsSync(folder));
  const known = new Set(["/node_modules", "/var/node_modules"].map(realPath));
  const missing = folders.filter((folder) => !known.has(realPath(folder)));
  if (missing.length === 0) return;
  const parents = missing.map((folder) => pathToFileURL(path.join(folder, "../-")).href);
  if (Module.registerHooks) Module.registerHooks({ resolve: resolver(parents) });
  else Module.register?.(`data:text/javascript,${encodeURIComponent(resolverSource(parents))}`);
}

function realPath(folder) {
  try {
    return fs.realpathSync(folder);
  } catch {
    return undefined; // not there
  }
}

function resolver(parents) {
  return (specifier, context, next) => {
    try {
      return next(specifier, context);
    } catch (problem) {
      if (problem.code !== "ERR_MODULE_NOT_FOUND" || /^(\.|\/|\w+:)/.test(specifier)) throw problem;
      for (const parentURL of parents) {
        try {
          return next(specifier, { ...context, parentURL });
        } catch {
          continue; // the first problem names the module that asked
        }
      }
      throw problem;
    }
  };
}

/** The same for Node.js without synchronous hooks: a module of its own, on a thread of its own. */
function resolverSource(parents) {
  const source = resolver.toString().replace("(specifier, context, next) =>", "async (specifier, context, next) =>");
  const awaited = source.replace(/return next\(/g, "return await next(");
  return `export const resolve = (${awaited})(${JSON.stringify(parents)});`;
}

// --- the loop ---------------------------------------------------------------------------------------

function parseHeader(text, name) {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (problem) {
    throw new Error(`Cannot parse ${name} as json: ${problem}`);
  }
}

function serialised(result) {
  let text;
  try {
    text = JSON.stringify(result === undefined ? null : result);
  } catch {
    text = undefined;
  }
  if (text === undefined) throw new Error("Unable to stringify response body");
  return text;
}

/** The function's life. An invocation is under way while `#id` is set. */
class Runtime {
  #connection;
  #handler;
  #id = null;
  #skipped = 0; // answers that speak of an invocation that is over
  #atRest = () => {}; // what happens when the event loop is empty
  #isDying = false;

  constructor(connection) {
    this.#connection = connection;
    process.on("beforeExit", () => this.#atRest());
  }

  serve(handler) {
    this.#handler = handler;
    this.#connection.answered = (status, headers, body) => this.#answered(status, headers, body);
    this.#ask("");
  }

  /** The process ends with `code` once the failure is posted: of this invocation, or of the start. */
  die(failure, code) {
    if (this.#isDying) return;
    this.#isDying = true;
    this.#atRest = () => {};
    this.#connection.wait();
    if (this.#id !== null) {
      this.#connection.send(postError(`invocation/${this.#id}/error`, failure), () => process.exit(code));
    } else if (this.#handler === undefined) {
      this.#connection.answered = () => process.exit(code);
      this.#connection.send(postError("init/error", failure));
    } else {
      process.exit(code);
    }
  }

  #ask(answer) {
    this.#connection.wait();
    const isText = typeof answer === "string";
    this.#connection.send(isText ? answer + NEXT : Buffer.concat([answer, Buffer.from(NEXT)]));
  }

  #answered(status, headers, body) {
    if (this.#skipped > 0) {
      this.#skipped -= 1; // whatever it says (too large, too late), it was said of what is over
    } else if (status === 200) {
      this.#connection.rest();
      this.#invoke(headers, body.toString());
    } else {
      process.stderr.write(`The Runtime API answered ${status}: ${body}\n`);
      process.exit(1);
    }
  }

  /** Answer the invocation and ask for the next one, in one write. */
  #finish(answer) {
    this.#id = null;
    this.#atRest = () => {};
    this.#skipped += 1;
    this.#ask(answer);
  }

  /** The same where the function's own code goes on after it: the next one is asked for when that has ended. */
  #finishFirst(answer) {
    this.#id = null;
    this.#atRest = () => {};
    this.#skipped += 1;
    this.#connection.wait();
    this.#connection.send(answer);
    setImmediate(() => this.#ask(""));
  }

  #invoke(headers, body) {
    const id = headers["lambda-runtime-aws-request-id"];
    this.#id = id;
    globalThis[REQUEST_ID] = id;
    globalThis[TENANT_ID] = headers["lambda-runtime-aws-tenant-id"];
    const response = (result) => post(`invocation/${id}/response`, serialised(result));
    const failed = (failure) => {
      logFailure("Invoke Error", failure);
      return postError(`invocation/${id}/error`, failure);
    };
    if (this.#handler[STREAMING]) this.#stream(id, headers, body, failed);
    else this.#call(headers, body, response, failed);
  }

  #call(headers, body, response, failed) {
    let isSettled = false;
    const once = (act) => (...parameters) => {
      if (isSettled) return;
      act(...parameters);
      isSettled = true; // not before: a result that cannot be serialised may still be followed by a failure
    };
    const isFailure = (failure) => failure !== undefined && failure !== null;
    const done = (failure, result) =>
      this.#finishFirst(isFailure(failure) ? failed(failure) : response(result));
    let waits = true;
    const callback = once((failure, result) => {
      if (isFailure(failure) || !waits) done(failure, result);
      else this.#atRest = () => setImmediate(() => this.#finish(this.#answerOr(failed, response, result)));
    });
    const context = {
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
      succeed: once((result) => done(null, result)),
      fail: once((failure) => done(isFailure(failure) ? failure : "handled")),
      done: once(done),
    };
    this.#atRest = () => {
      isSettled = true;
      this.#finish(response(null));
    };
    try {
      const event = JSON.parse(body);
      const handler = this.#handler; // called as a function: `this` would be us
      const result = handler(event, withEnvironment(context, headers), callback);
      if (typeof result?.then === "function") {
        result.then(
          once((value) => this.#finish(this.#answerOr(failed, response, value))),
          once((failure) => this.#finish(failed(isFailure(failure) ? failure : "handled"))),
        );
      }
    } catch (failure) {
      callback(failure);
    }
  }

  #answerOr(failed, response, result) {
    try {
      return response(result);
    } catch (failure) {
      return failed(failure);
    }
  }

  #stream(id, headers, body, failed) {
    const stream = new ResponseStream();
    let isSettled = false;
    const finish = (answer) => {
      if (!isSettled) this.#finish(answer());
      isSettled = true;
    };
    const end = () => finish(() => post(`invocation/${id}/response`, stream.collected()));
    const fail = (failure) => finish(() => failed(failure));
    stream.on("error", fail);
    this.#atRest = () => fail("Response stream is not finished.");
    try {
      const context = withEnvironment({ callbackWaitsForEmptyEventLoop: true }, headers);
      const handler = this.#handler;
      const result = handler(JSON.parse(body), stream, context);
      if (typeof result?.then !== "function") {
        fail("Streaming does not support non-async handlers.");
        return;
      }
      result.then((value) => {
        if (value !== undefined) console.warn("Streaming handlers ignore return values.");
        if (stream.writableFinished) end();
        else if (stream.writableEnded) stream.on("finish", end);
        else fail("Response stream is not finished.");
      }, fail);
    } catch (failure) {
      fail(failure);
    }
  }
}

/** The rest of the context: what the process and the event's headers say. */
function withEnvironment(context, headers) {
  const variables = process.env;
  const trace = headers["lambda-runtime-trace-id"];
  if (trace) variables._X_AMZN_TRACE_ID = trace;
  else delete variables._X_AMZN_TRACE_ID;
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  context.functionVersion = variables.AWS_LAMBDA_FUNCTION_VERSION;
  context.functionName = variables.AWS_LAMBDA_FUNCTION_NAME;
  context.memoryLimitInMB = variables.AWS_LAMBDA_FUNCTION_MEMORY_SIZE;
  context.logGroupName = variables.AWS_LAMBDA_LOG_GROUP_NAME;
  context.logStreamName = variables.AWS_LAMBDA_LOG_STREAM_NAME;
  context.clientContext = parseHeader(headers["lambda-runtime-client-context"], "ClientContext");
  context.identity = parseHeader(headers["lambda-runtime-cognito-identity"], "CognitoIdentity");
  context.invokedFunctionArn = headers["lambda-runtime-invoked-function-arn"];
  context.awsRequestId = headers["lambda-runtime-aws-request-id"];
  context.tenantId = headers["lambda-runtime-aws-tenant-id"];
  context.getRemainingTimeInMillis = () => deadline - Date.now();
  return context;
}

// --- start ------------------------------------------------------------------------------------------

/** Wait until a function is given to this process, and take over its environment. */
async function becomeFunction(connection, socket) {
  connection.statusWhenClosed = 0; // a slot that nobody needs
  const [status, body] = await new Promise((resolve) => {
    connection.answered = (code, _headers, bytes) => resolve([code, bytes]);
    connection.wait();
    connection.send(SPECIALISE);
  });
  if (status !== 200) {
    process.stderr.write(`The Runtime API answered ${status}: ${body}\n`);
    process.exit(1);
  }
  const { mode, variables, cwd } = JSON.parse(body.toString());
  connection.statusWhenClosed = 1;
  process.chdir(cwd);
  if (mode === "exec") startAfresh({ LOCKGATE_RUNTIME_SOCKET: socket, ...variables });
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, variables);
  connection.rest();
}

/** Something of the function acts when a process starts, so start one in the place of this one. */
function startAfresh(variables) {
  if (process.execve === undefined) {
    process.stderr.write(`Node.js ${process.versions.node} cannot replace itself: 22.15 and 23.11 can\n`);
    process.exit(1);
  }
  const own = [process.execPath, ...process.execArgv, HERE];
  const wrapper = variables.AWS_LAMBDA_EXEC_WRAPPER;
  const command = wrapper ? [wrapper, ...own] : own;
  try {
    fs.accessSync(command[0], fs.constants.X_OK);
  } catch (problem) {
    process.stderr.write(`${command[0]}: ${problem.code}\n`);
    process.exit(problem.code === "ENOENT" ? 127 : 126); // as a shell that starts it
  }
  process.execve(command[0], command, variables);
}

/** Take our own variables out of what the function sees. */
function takeAddress() {
  const { LOCKGATE_RUNTIME_SOCKET: socket, LOCKGATE_SLOT: slot, AWS_LAMBDA_RUNTIME_API: api } = process.env;
  for (const name of Object.keys(process.env)) if (name.startsWith("LOCKGATE_")) delete process.env[name];
  if (!socket && !api) {
    process.stderr.write("Neither LOCKGATE_RUNTIME_SOCKET nor AWS_LAMBDA_RUNTIME_API is set\n");
    process.exit(1);
  }
  const colon = (api ?? "").lastIndexOf(":");
  const tcp = { host: api?.slice(0, colon), port: Number(api?.slice(colon + 1)), noDelay: true };
  return { address: socket ? { path: socket } : tcp, isSlot: slot === "1" };
}

/** Lambda's user is in /etc/passwd. One that is not has no home, and `os.homedir()`, which @aws-sdk asks, throws. */
function haveHome() {
  try {
    os.homedir();
  } catch {
    process.env.HOME = os.tmpdir();
  }
}

async function main() {
  const { address, isSlot } = takeAddress();
  const connection = new Connection(address);
  if (isSlot) {
    await becomeFunction(connection, address.path);
    takeAddress();
    Module._initPaths(); // NODE_PATH is read when a process starts
  }
  haveHome();
  patchConsole();
  const runtime = new Runtime(connection);
  process.on("uncaughtException", (problem) => {
    logFailure("Uncaught Exception", problem);
    runtime.die(problem, UNCAUGHT);
  });
  process.on("unhandledRejection", (reason, promise) => {
    const problem = new UnhandledPromiseRejection(reason, promise);
    logFailure("Unhandled Promise Rejection", problem);
    runtime.die(problem, UNHANDLED);
  });
  defineStreaming();
  importFromNodePath();
  try {
    runtime.serve(await findHandler(process.env.LAMBDA_TASK_ROOT ?? process.cwd(), process.env._HANDLER ?? ""));
  } catch (problem) {
    logFailure("Uncaught Exception", problem);
    runtime.die(problem, UNCAUGHT);
  }
}

await main();
