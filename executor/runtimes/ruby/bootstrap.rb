# frozen_string_literal: true

# The Ruby runtime: takes events from the Runtime API, calls the function, posts what it returns.
#
# One file, Ruby 2.7 and later, with no library but those that AWS's own runtime loads, too. Results, errors and
# context are those of AWS's Ruby client; where it differs on purpose, README.md says so.
# With LOCKGATE_SLOT set the process has no function yet: it says on its channel that it is ready, and becomes the
# function that it is then told of, in place or in a fresh interpreter.

require 'json'
require 'logger'
require 'net/http'
require 'securerandom'
require 'socket'
require 'stringio'
require 'time'

module Lockgate
  API = '/2018-06-01/runtime'
  TRACE_LINES = 100 # as Lambda's
  HERE = File.expand_path(__FILE__)
  STOPPED = Class.new(StandardError) # the server has closed the connection: this environment is over
end

# What a handler gets as `context:`.
class LambdaContext
  attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
              :memory_limit_in_mb, :function_version, :identity, :client_context, :deadline_ms, :tenant_id

  def initialize(headers)
    @aws_request_id = headers['lambda-runtime-aws-request-id']
    @invoked_function_arn = headers['lambda-runtime-invoked-function-arn']
    @deadline_ms = headers['lambda-runtime-deadline-ms'].to_i
    @tenant_id = headers['lambda-runtime-aws-tenant-id']
    @identity = parse(headers['lambda-runtime-cognito-identity'])
    @client_context = parse(headers['lambda-runtime-client-context'])
    @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
    @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
    @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
    @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
    @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
  end

  def get_remaining_time_in_millis
    [@deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
  end

  private

  def parse(text)
    text && JSON.parse(text)
  end
end

module Lockgate
  # One keep-alive connection to the Runtime API.
  class Connection
    def initialize(path, address)
      @socket = path ? UNIXSocket.new(path) : tcp(address)
      @host = path ? 'runtime' : address
      @buffer = String.new(encoding: Encoding::BINARY)
    end

    def get(path)
      "GET #{path} HTTP/1.1\r\nHost: #{@host}\r\n\r\n".b
    end

    def post(path, body, type: 'application/json', error_type: nil)
      body = body.b
      extra = error_type ? "Lambda-Runtime-Function-Error-Type: #{error_type}\r\n" : ''
      "POST #{API}/#{path} HTTP/1.1\r\nHost: #{@host}\r\nContent-Type: #{type}\r\n#{extra}" \
        "Content-Length: #{body.bytesize}\r\n\r\n".b + body
    end

    def send(requests)
      @socket.write(requests)
      @socket.flush
    rescue SystemCallError, IOError
      raise STOPPED
    end

    # The next answer: status, headers with lower-case names, body.
    def receive
      fill until (stop = @buffer.index("\r\n\r\n"))
      first, *lines = @buffer.slice!(0, stop + 4).force_encoding(Encoding::UTF_8).split("\r\n")
      headers = lines.to_h { |line| line.split(':', 2).then { |name, value| [name.downcase, value.strip] } }
      size = headers.fetch('content-length').to_i
      fill while @buffer.bytesize < size
      [first[9, 3].to_i, headers, @buffer.slice!(0, size)]
    end

    private

    def tcp(address)
      host, _, port = address.rpartition(':')
      TCPSocket.new(host, port.to_i).tap { |socket| socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1) }
    end

    def fill
      @buffer << @socket.readpartial(262_144)
    rescue SystemCallError, IOError
      raise STOPPED
    end
  end

  # A logger that writes to the function's output names level, time and request.
  module Logs
    JSON_TIME = '%Y-%m-%dT%H:%M:%S.%6NZ'
    LEVELS = %w[TRACE DEBUG INFO WARN ERROR FATAL].freeze

    class << self
      attr_accessor :request_id

      def json?
        ENV['AWS_LAMBDA_LOG_FORMAT'].to_s.casecmp?('json')
      end

      # Of the loggers that name none, or nil.
      def level
        name = ENV['AWS_LAMBDA_LOG_LEVEL'].to_s.upcase
        { 'TRACE' => 'DEBUG' }.fetch(name, name) if LEVELS.include?(name)
      end

      def formatter
        json? ? JsonFormatter.new : TextFormatter.new
      end

      def utf8(text)
        text.to_s.encode(Encoding::UTF_8, invalid: :replace, undef: :replace, replace: "\u{FFFD}")
      end
    end

    class TextFormatter < Logger::Formatter
      def call(severity, time, progname, message)
        stamp = "#{format_datetime(time)} ##{Process.pid}"
        line = "#{severity[0]}, [#{stamp}] #{severity.rjust(5)} #{Logs.request_id} -- #{progname}: #{msg2str(message)}"
        "#{Logs.utf8(line)}\n"
      end
    end

    class JsonFormatter < Logger::Formatter
      def call(severity, time, progname, message)
        entry = { timestamp: time.getutc.strftime(JSON_TIME), level: severity, message: text(message),
                  requestId: Logs.request_id }
        entry[:logger] = Logs.utf8(progname) unless progname.to_s.empty?
        entry.merge!(failure(message)) if message.is_a?(Exception)
        "#{JSON.generate(entry.compact)}\n"
      end

      private

      def text(message)
        Logs.utf8(message.is_a?(Exception) ? message.message : msg2str(message))
      end

      def failure(error)
        trace = Array(error.backtrace).map { |line| Logs.utf8(line) }
        { errorType: error.class.to_s, errorMessage: Logs.utf8(error.message), stackTrace: trace, location: trace.first }
      end
    end

    # Put before Logger's own constructor.
    module Default
      def initialize(device, *rest, **options)
        device = $stdout if device.nil? # as on Lambda
        ours = device.equal?($stdout) || device.equal?($stderr)
        super
        return unless ours

        self.formatter ||= Logs.formatter
        self.level = Logs.level if Logs.level && !options.key?(:level)
      end
    end
  end

  # An exception as the caller sees it.
  class Failure
    # These names are kept in the platform's report, all others are the user's.
    KNOWN = %w[ArgumentError NoMethodError Exception StandardError NameError LoadError SystemExit SystemStackError].freeze

    attr_reader :body

    def initialize(error, kind)
      @known = KNOWN.include?(error.class.to_s)
      @type = "#{kind}<#{error.class}>"
      @body = { errorMessage: Logs.utf8(message_of(error)), errorType: Logs.utf8(@type), stackTrace: trace_of(error) }
    end

    def header
      @known ? @type : 'Function<UserException>'
    end

    def json
      JSON.generate(@body)
    end

    def print(words)
      entry = @body
      if Logs.json?
        entry = { timestamp: Time.now.utc.strftime(Logs::JSON_TIME), level: 'ERROR', **@body }
      else
        $stdout.puts(words)
      end
      $stdout.puts(JSON.generate(entry))
    end

    private

    def message_of(error)
      error.message
    rescue Exception # the function's own `message` failed
      "<unprintable #{error.class} object>"
    end

    # Without the frames below the function: they are the runtime's.
    def trace_of(error)
      lines = (error.backtrace || []).take_while { |line| !line.start_with?("#{HERE}:") }
      lines.first(TRACE_LINES).map { |line| Logs.utf8(line) }
    end
  end

  # Before there is a function: wait for it, and become it.
  class Slot
    # Read when Ruby starts, so a process that already runs has missed them.
    ACTS_AT_START = %w[RUBYOPT].freeze

    def initialize(connection)
      @connection = connection
    end

    # Returns in the function's environment, or does not return.
    def wait
      document = specialisation
      variables = document.fetch('variables')
      Dir.chdir(document.fetch('cwd'))
      start_afresh(variables) if document['mode'] == 'exec' || fresh?(variables)
      take(variables)
    end

    private

    def specialisation
      @connection.send(@connection.get('/lockgate/specialise'))
      status, _, body = @connection.receive
      return JSON.parse(body) if status == 200

      warn("The Runtime API answered #{status} to a slot: #{body}")
      exit!(1)
    rescue STOPPED # nobody needs this slot any more
      exit!(0)
    end

    # Whether the function brings something that must be there before the first `require` of all.
    def fresh?(variables)
      ACTS_AT_START.any? { |name| variables[name].to_s != ENV[name].to_s } || other_versions?(variables)
    end

    # Gems in a version of the function's own: those that the runtime has loaded cannot be exchanged any more.
    def other_versions?(variables)
      specs = variables['GEM_PATH'].to_s.split(':').flat_map { |folder| Dir.glob("#{folder}/specifications/*.gemspec") }
      names = specs.map { |path| File.basename(path, '.gemspec') }
      Gem.loaded_specs.any? { |name, _| names.any? { |each| each.match?(/\A#{Regexp.escape(name)}-\d/) } }
    end

    def take(variables)
      earlier = library_path
      ENV.replace(variables)
      $LOAD_PATH.replace(library_path + ($LOAD_PATH - earlier))
      Random.srand
      Gem.clear_paths
    end

    def library_path
      ENV['RUBYLIB'].to_s.split(':')
    end

    def start_afresh(variables)
      environment = { 'LOCKGATE_RUNTIME_SOCKET' => ENV['LOCKGATE_RUNTIME_SOCKET'] }.merge(variables)
      environment.delete('LOCKGATE_SLOT')
      command = [RbConfig.ruby, HERE]
      wrapper = variables['AWS_LAMBDA_EXEC_WRAPPER'].to_s
      command.unshift(wrapper) unless wrapper.empty?
      exec(environment, [command[0], command[0]], *command.drop(1), unsetenv_others: true)
    rescue SystemCallError => e
      $stderr.write("#{command[0]}: #{e.class.new.message}\n")
      exit!(e.is_a?(Errno::ENOENT) ? 127 : 126)
    end
  end

  # The function: a file of its folder, and a method in it.
  class Handler
    FORM = 'must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD, where FILENAME.rb is a Ruby file, CLASS a module ' \
           'or class in it, and METHOD one that can be called; with CLASS it must be a method of the class itself.'

    def initialize(name)
      @file, *@nesting, @method = name.split('.')
      raise ArgumentError, "Invalid handler '#{name}': it #{FORM}" if @method.nil? || @nesting.size > 1
    end

    # By its path, where there is one: a library of the same name may be loaded already.
    def load
      path = File.expand_path("#{@file}.rb", ENV['LAMBDA_TASK_ROOT'].to_s)
      require(File.file?(path) ? path : @file)
    end

    # Inside this call everything is the function's code, the conversion of its result to JSON, too.
    def call(event, context)
      holder = @nesting.empty? ? TOPLEVEL_BINDING.receiver : Object.const_get(@nesting[0])
      result = holder.__send__(@method, event: event, context: context)
      case result
      when StringIO, IO then [result.read, 'application/unknown']
      else [result.to_json, 'application/json']
      end
    end
  end

  # The function's life: each event in, its answer and the wish for the next one out, in one write.
  class Runtime
    def initialize(handler, connection)
      @handler = handler
      @connection = connection
      @next = connection.get("#{API}/invocation/next")
    end

    # Runs until the server closes the connection or the function ends the process.
    def serve
      @connection.send(@next)
      loop do
        status, headers, body = @connection.receive
        abort("The Runtime API answered #{status}: #{body}") unless status == 200
        answer = invoke(headers, body)
        $stdout.flush
        @connection.send(answer + @next)
        @connection.receive # whatever it says (too large, too late): it was said of an invocation that is over
      end
    end

    private

    def invoke(headers, body)
      id = Logs.request_id = headers.fetch('lambda-runtime-aws-request-id')
      $_global_aws_request_id = id # known to functions by this name
      ENV['_X_AMZN_TRACE_ID'] = headers['lambda-runtime-trace-id']
      result, type = @handler.call(event(body, headers['content-type']), LambdaContext.new(headers))
      @connection.post("invocation/#{id}/response", result.to_s, type: type)
    rescue StandardError => e
      failed(id, e, 'Error raised from handler method')
    rescue Exception => e # rubocop:disable Lint/RescueException
      leave(id, e)
    end

    def event(body, type)
      text = body.dup.force_encoding(Encoding::UTF_8)
      type == 'application/json' ? JSON.parse(text) : text
    end

    def failed(id, error, words)
      failure = Failure.new(error, 'Function')
      failure.print(words)
      @connection.post("invocation/#{id}/error", failure.json, error_type: failure.header)
    end

    # What a function does not handle itself and nobody should (exit, a signal, no memory): answered, and then it ends.
    def leave(id, error)
      request = failed(id, error, 'Critical exception from handler')
      $stdout.flush
      @connection.send(request)
      @connection.receive
      exit!(255)
    end
  end

  # From a started process to a running function.
  module Start
    class << self
      def run
        path = ENV['LOCKGATE_RUNTIME_SOCKET'].to_s
        path = nil if path.empty?
        address = ENV['AWS_LAMBDA_RUNTIME_API']
        abort('Neither LOCKGATE_RUNTIME_SOCKET nor AWS_LAMBDA_RUNTIME_API is set') unless path || address
        connection = ENV['LOCKGATE_SLOT'] && Connection.new(path, address)
        Slot.new(connection).wait if connection
        prepare
        serve(-> { connection ||= Connection.new(path, address) })
      rescue STOPPED
        exit!(1)
      end

      private

      def prepare
        ENV.delete_if { |name, _| name.start_with?('LOCKGATE_') }
        $stdout.sync = $stderr.sync = true
        Encoding.default_external = Encoding::UTF_8 if Encoding.default_external == Encoding::US_ASCII
        ARGV.clear
        Logger.prepend(Logs::Default)
        set_up_gems
        task = ENV['LAMBDA_TASK_ROOT'].to_s
        $LOAD_PATH.unshift(task) unless task.empty?
      end

      # GEM_PATH hides where RubyGems finds what comes with Ruby. Gems that were bundled for another version of Ruby are
      # better than none.
      def set_up_gems
        own = ENV['GEM_PATH'].to_s.split(':')
        bundled = "#{ENV['LAMBDA_TASK_ROOT']}/vendor/bundle/ruby"
        own.push(*Dir.glob("#{bundled}/*").sort.reverse) if own.none? { |each| each.start_with?(bundled) && Dir.exist?(each) }
        Gem.use_paths(ENV['GEM_HOME'], own + Gem.default_path)
      end

      def serve(connect)
        handler = load_handler(connect)
        Runtime.new(handler, connect.call).serve
      end

      def load_handler(connect)
        Handler.new(ENV['_HANDLER'].to_s).tap(&:load)
      rescue Exception => e # rubocop:disable Lint/RescueException  # whatever loading raises is the answer
        failure = Failure.new(e, 'Init')
        failure.print("Init error when loading handler #{ENV['_HANDLER']}")
        $stdout.flush
        connection = connect.call
        connection.send(connection.post('init/error', failure.json, error_type: failure.header))
        connection.receive
        exit!(1)
      end
    end
  end
end

Lockgate::Start.run
