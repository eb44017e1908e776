namespace Hospes.Qmp.Json;

/// <summary>Kinds of tokens (RFC 8259, section 2).</summary>
internal enum JsonToken
{
    BeginObject,
    EndObject,
    BeginArray,
    EndArray,
    Colon,
    Comma,
    Text,
    Number,
    Word,
}

/// <summary>
/// Checks the order of tokens of one message (RFC 8259) and finds its end: where as many objects and arrays were closed as were opened, or more.
/// A message that went wrong goes on to that place, so that what follows it is read from its beginning. The errors have QEMU's words.
/// </summary>
internal sealed class JsonGrammar
{
    private readonly bool[] _isObject = new bool[QmpLimits.Depth];
    private Expects _expects;
    private int _depth, _braces, _brackets;

    private enum Expects
    {
        Value,
        ValueOrEnd,
        Key,
        KeyOrEnd,
        Colon,
        Separator,
    }

    /// <summary>The first error; null while all is well.</summary>
    public string? Error { get; private set; }

    /// <summary>Whether the message is at its end.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Begins a new message.</summary>
    public void Reset()
    {
        _expects = Expects.Value;
        _depth = _braces = _brackets = 0;
        Error = null;
        IsComplete = false;
    }

    /// <summary>Notes an error that was found in a token.</summary>
    public void Fail(string error) => Error ??= error;

    /// <summary>Takes the next token.</summary>
    /// <param name="token">Its kind.</param>
    /// <param name="word">The letters of a <see cref="JsonToken.Word"/>.</param>
    public void Take(JsonToken token, string? word = null)
    {
        if (Error is null) Check(token, word);
        if (token == JsonToken.BeginObject) _braces++;
        if (token == JsonToken.EndObject) _braces--;
        if (token == JsonToken.BeginArray) _brackets++;
        if (token == JsonToken.EndArray) _brackets--;
        IsComplete = _braces < 0 || _brackets < 0 || (_braces == 0 && _brackets == 0);
    }

    private void Check(JsonToken token, string? word)
    {
        if (token == JsonToken.Word && word is not ("true" or "false" or "null"))
        {
            Fail($"invalid keyword '{word}'");
            return;
        }
        switch (_expects)
        {
            case Expects.KeyOrEnd when token == JsonToken.EndObject:
            case Expects.ValueOrEnd when token == JsonToken.EndArray:
                Close();
                break;
            case Expects.Key or Expects.KeyOrEnd:
                if (token == JsonToken.Text) _expects = Expects.Colon;
                else Fail(IsPunctuation(token) ? "expecting value" : "key is not a string in object");
                break;
            case Expects.Colon:
                if (token == JsonToken.Colon) _expects = Expects.Value;
                else Fail("missing : in object pair");
                break;
            case Expects.Separator:
                Separate(token);
                break;
            default:
                Begin(token);
                break;
        }
    }

    private void Begin(JsonToken token)
    {
        if (IsPunctuation(token))
        {
            Fail("expecting value");
        }
        else if (token is JsonToken.BeginObject or JsonToken.BeginArray)
        {
            if (_depth == _isObject.Length)
            {
                Fail("JSON nesting depth limit exceeded");
                return;
            }
            _isObject[_depth++] = token == JsonToken.BeginObject;
            _expects = token == JsonToken.BeginObject ? Expects.KeyOrEnd : Expects.ValueOrEnd;
        }
        else
        {
            _expects = Expects.Separator;
        }
    }

    private void Separate(JsonToken token)
    {
        bool inObject = _isObject[_depth - 1];
        if (token == (inObject ? JsonToken.EndObject : JsonToken.EndArray)) Close();
        else if (token == JsonToken.Comma) _expects = inObject ? Expects.Key : Expects.Value;
        else Fail(inObject ? "expected separator in dict" : "expected separator in list");
    }

    private void Close()
    {
        _depth--;
        _expects = Expects.Separator;
    }

    private static bool IsPunctuation(JsonToken token) => token is JsonToken.EndObject or JsonToken.EndArray or JsonToken.Colon or JsonToken.Comma;
}
