using System.Text;

namespace Hospes.EndToEnd;

/// <summary>What a guest has written on its console, waited for.</summary>
internal sealed class ConsoleText(StreamReader reader)
{
    private readonly StringBuilder _text = new();

    private readonly char[] _buffer = new char[4096];

    private int _seen;

    public async Task UntilAsync(string wanted, CancellationToken end)
    {
        while (true)
        {
            int at = _text.ToString().IndexOf(wanted, _seen, StringComparison.Ordinal);
            if (at >= 0)
            {
                _seen = at + wanted.Length;
                return;
            }

            int read;
            try
            {
                read = await reader.ReadAsync(_buffer, end);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"'{wanted}' did not come: {this}");
            }

            if (read == 0) throw new InvalidOperationException($"the guest ended before '{wanted}': {this}");
            _text.Append(_buffer, 0, read);
        }
    }

    public override string ToString() => _text.ToString();
}
