# frozen_string_literal: true

require 'logger'

raise 'no settings' if ENV['BROKEN']

$count = 0
LOGGER = Logger.new($stdout)

def handler(event:, context:)
  $count += 1
  case event['do']
  when 'fail' then raise 'not that one'
  when 'say' then LOGGER.info("said #{event['value']}")
  when 'leave' then exit!(3)
  end
  { language: 'ruby', event: event, count: $count, request: context.aws_request_id, greeting: ENV['GREETING'] }
end

module Notes
  class Handlers
    def self.read(event:, context:)
      { name: context.function_name, left: context.get_remaining_time_in_millis.between?(1, 60_000), event: event }
    end
  end
end
