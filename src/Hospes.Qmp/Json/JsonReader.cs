using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Hospes.Qmp.Json;

/// <summary>
/// Cuts a stream of bytes into JSON values, as QEMU does: one after the other with white space, a line's end or nothing between, in pieces of
/// any size. Beyond RFC 8259, strings may stand in single quotes. After what is no JSON it goes on at the next bracket, brace, colon, comma or
/// control character; the byte 0xFF, which is in no text, thus brings it to a known state. Not thread-safe.
/// </summary>
public sealed class JsonReader
{
    /// <summary>How much of a stray token an error shows.</summary>
    private const int LongestStray = 80;

    private readonly JsonGrammar _grammar = new();
    private readonly MemoryStream _text = new();
    private readonly List<byte> _token = [];
    private State _state;
    private byte _quote;
    private int _hexDigits, _code, _highSurrogate;

    /// <summary>Makes a reader at the beginning of a stream.</summary>
    public JsonReader() => _grammar.Reset();

    private enum State
    {
        Between,
        Text,
        Escape,
        Hex,
        Minus,
        Zero,
        Digits,
        Point,
        Fraction,
        Exponent,
        ExponentSign,
        ExponentDigits,
        Word,
        Recovery,
    }

    /// <summary>Reads up to the end of a message.</summary>
    /// <param name="input">The bytes that came; on return, those behind the message. All are taken when there is none.</param>
    /// <param name="message">The message.</param>
    /// <returns>Whether a message ended.</returns>
    public bool TryRead(ref ReadOnlySpan<byte> input, out JsonMessage message)
    {
        while (!input.IsEmpty)
        {
            byte value = input[0];
            // A number or a word ends in front of what follows it, which is looked at again.
            if (EndsBefore(value)) EndToken(_state == State.Word ? JsonToken.Word : JsonToken.Number);
            else
            {
                input = input[1..];
                if (!Take(value))
                {
                    message = new JsonMessage(null, $"stray '{Stray()}'");
                    Reset(State.Recovery);
                    return true;
                }
            }
            if (!_grammar.IsComplete) continue;
            message = End();
            return true;
        }
        message = default;
        return false;
    }

    private bool EndsBefore(byte value) => _state switch
    {
        State.Word => !char.IsAsciiLetterLower((char)value),
        State.Zero => !char.IsAsciiDigit((char)value) && value is not ((byte)'.' or (byte)'e' or (byte)'E'),
        State.Digits => !char.IsAsciiDigit((char)value) && value is not ((byte)'.' or (byte)'e' or (byte)'E'),
        State.Fraction => !char.IsAsciiDigit((char)value) && value is not ((byte)'e' or (byte)'E'),
        State.ExponentDigits => !char.IsAsciiDigit((char)value),
        _ => false,
    };

    /// <summary>Takes a byte.</summary>
    /// <returns>False when it can't stand there.</returns>
    private bool Take(byte value)
    {
        switch (_state)
        {
            case State.Between:
                return Begin(value);
            case State.Recovery:
                if (IsStructure(value) || (IsControl(value) && value != (byte)'\t')) _state = State.Between;
                return _state == State.Recovery || Begin(value, recovers: true);
            case State.Text:
                return TakeText(value);
            case State.Escape:
                TakeEscape(value);
                return true;
            case State.Hex:
                return TakeHex(value);
            case State.Word:
                Put(value);
                return true;
            default:
                Put(value);
                State next = NextOfNumber(_state, (char)value);
                _state = next;
                return next != State.Between;
        }
    }

    private bool Begin(byte value, bool recovers = false)
    {
        JsonToken? structure = (char)value switch
        {
            '{' => JsonToken.BeginObject,
            '}' => JsonToken.EndObject,
            '[' => JsonToken.BeginArray,
            ']' => JsonToken.EndArray,
            ':' => JsonToken.Colon,
            ',' => JsonToken.Comma,
            _ => null,
        };
        if (structure is { } token)
        {
            Put(value);
            EndToken(token);
            return true;
        }
        if (value is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') return true;
        // What ended the recovery was said to be stray already.
        if (recovers) return true;
        _token.Clear();
        switch ((char)value)
        {
            case '"' or '\'':
                _quote = value;
                _token.Add(value);
                _highSurrogate = 0;
                Write((byte)'"');
                _state = State.Text;
                return true;
            case '-' or (>= '0' and <= '9'):
                Put(value);
                _state = value == '-' ? State.Minus : value == '0' ? State.Zero : State.Digits;
                return true;
            case >= 'a' and <= 'z':
                Put(value);
                _state = State.Word;
                return true;
            default:
                _token.Add(value);
                return false;
        }
    }

    private static State NextOfNumber(State state, char value)
    {
        bool isDigit = char.IsAsciiDigit(value);
        return state switch
        {
            State.Minus when isDigit => value == '0' ? State.Zero : State.Digits,
            State.Digits when isDigit => State.Digits,
            State.Zero or State.Digits when value == '.' => State.Point,
            State.Point or State.Fraction when isDigit => State.Fraction,
            State.Zero or State.Digits or State.Fraction when value is 'e' or 'E' => State.Exponent,
            State.Exponent when value is '+' or '-' => State.ExponentSign,
            State.Exponent or State.ExponentSign or State.ExponentDigits when isDigit => State.ExponentDigits,
            _ => State.Between,
        };
    }

    private bool TakeText(byte value)
    {
        if (_token.Count < LongestStray) _token.Add(value);
        if (IsControl(value)) return false;
        if (value == (byte)'\\')
        {
            _state = State.Escape;
            return true;
        }
        CheckPair();
        if (value == _quote)
        {
            Write((byte)'"');
            EndToken(JsonToken.Text);
            return true;
        }
        if (value == (byte)'"') Write((byte)'\\');
        Write(value);
        return true;
    }

    private void TakeEscape(byte value)
    {
        if (value != (byte)'u') CheckPair();
        _state = State.Text;
        switch ((char)value)
        {
            case 'u':
                Write((byte)'\\');
                Write(value);
                (_state, _hexDigits, _code) = (State.Hex, 0, 0);
                break;
            case '\'':
                Write(value);
                break;
            case '"' or '\\' or '/' or 'b' or 'f' or 'n' or 'r' or 't':
                Write((byte)'\\');
                Write(value);
                break;
            default:
                _grammar.Fail("invalid escape sequence in string");
                break;
        }
    }

    private bool TakeHex(byte value)
    {
        if (!char.IsAsciiHexDigit((char)value))
        {
            string digits = _hexDigits == 0 ? "" : _code.ToString($"x{_hexDigits}", CultureInfo.InvariantCulture);
            _grammar.Fail($"\\u{digits}{(char)value} is not a valid Unicode character");
            _state = State.Text;
            // The byte may be the string's end.
            return TakeText(value);
        }
        Write(value);
        _code = (_code << 4) | Convert.ToInt32(((char)value).ToString(), 16);
        if (++_hexDigits < 4) return true;
        _state = State.Text;
        bool isLow = char.IsLowSurrogate((char)_code);
        if (isLow != (_highSurrogate != 0) || _code == 0) _grammar.Fail($"\\u{(_highSurrogate != 0 ? _highSurrogate : _code):x4} is not a valid Unicode character");
        _highSurrogate = char.IsHighSurrogate((char)_code) ? _code : 0;
        return true;
    }

    /// <summary>The first half of a pair must be followed by the second (RFC 8259, section 7).</summary>
    private void CheckPair()
    {
        if (_highSurrogate != 0) _grammar.Fail($"\\u{_highSurrogate:x4} is not a valid Unicode character");
        _highSurrogate = 0;
    }

    private void EndToken(JsonToken token)
    {
        _grammar.Take(token, token == JsonToken.Word ? Stray() : null);
        _state = State.Between;
        // Two words or numbers must not grow together.
        Write((byte)' ');
    }

    /// <summary>Adds a byte to the message and to what an error would show of it.</summary>
    private void Put(byte value)
    {
        if (_token.Count < LongestStray) _token.Add(value);
        Write(value);
    }

    private void Write(byte value)
    {
        if (_text.Length < QmpLimits.MessageSize) _text.WriteByte(value);
        else _grammar.Fail("JSON token size limit exceeded");
    }

    private JsonMessage End()
    {
        string? error = _grammar.Error;
        JsonDocument? value = null;
        ReadOnlySpan<byte> text = _text.GetBuffer().AsSpan(0, (int)_text.Length);
        if (error is null && !Utf8.IsValid(text)) error = "invalid UTF-8 sequence in string";
        if (error is null)
        {
            value = JsonDocument.Parse(text.ToArray(), new JsonDocumentOptions { MaxDepth = QmpLimits.Depth });
            if (HasTwins(value.RootElement))
            {
                value.Dispose();
                value = null;
                error = "duplicate key";
            }
        }
        Reset(State.Between);
        return new JsonMessage(value, error);
    }

    private void Reset(State state)
    {
        _state = state;
        _grammar.Reset();
        _text.SetLength(0);
        // A large message's memory is not kept.
        if (_text.Capacity > 1 << 16) _text.Capacity = 0;
        _token.Clear();
    }

    private static bool HasTwins(JsonElement value)
    {
        var open = new Stack<JsonElement>([value]);
        while (open.TryPop(out JsonElement at))
        {
            if (at.ValueKind == JsonValueKind.Array)
            {
                foreach (JsonElement item in at.EnumerateArray()) Open(item);
            }
            else if (at.ValueKind == JsonValueKind.Object)
            {
                var names = new HashSet<string>();
                foreach (JsonProperty member in at.EnumerateObject())
                {
                    if (!names.Add(member.Name)) return true;
                    Open(member.Value);
                }
            }
        }
        return false;

        void Open(JsonElement item)
        {
            if (item.ValueKind is JsonValueKind.Array or JsonValueKind.Object) open.Push(item);
        }
    }

    private string Stray() => Encoding.UTF8.GetString([.. _token]);

    private static bool IsStructure(byte value) => value is (byte)'{' or (byte)'}' or (byte)'[' or (byte)']' or (byte)':' or (byte)',';

    private static bool IsControl(byte value) => value < 0x20 || value >= 0xFE;
}
