using System.Text;
using Hospes.Machine;

namespace Hospes.Vmm.Tests;

/// <summary>Keeps what a guest writes to its console.</summary>
internal sealed class TextConsole : IConsoleSink
{
    private readonly StringBuilder _text = new();

    public string Text
    {
        get
        {
            lock (_text) return _text.ToString();
        }
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        lock (_text) _text.Append(Encoding.Latin1.GetString(bytes));
    }
}
