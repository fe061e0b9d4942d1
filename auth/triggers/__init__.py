"""The pools' Lambda triggers: functions that are asked while people sign in, sign up and get tokens."""
