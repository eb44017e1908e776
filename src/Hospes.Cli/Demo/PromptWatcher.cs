using System.Text;
using Hospes.Machine;

namespace Hospes.Cli.Demo;

/// <summary>Passes a guest's console on and tells of every prompt in it.</summary>
internal sealed class PromptWatcher : IConsoleSink
{
    private readonly IConsoleSink _inner;
    private readonly byte[] _prompt;
    private readonly int[] _fallback;
    private readonly Action _seen;
    private int _matched;

    /// <summary>Makes a watcher.</summary>
    /// <param name="inner">Where the console goes.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="seen">Called after each prompt was passed on.</param>
    public PromptWatcher(IConsoleSink inner, string prompt, Action seen)
    {
        _inner = inner;
        _prompt = Encoding.ASCII.GetBytes(prompt);
        _fallback = Fallback(_prompt);
        _seen = seen;
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _inner.Write(bytes);
        int prompts = 0;
        foreach (byte value in bytes)
        {
            while (_matched > 0 && _prompt[_matched] != value) _matched = _fallback[_matched - 1];
            if (_prompt[_matched] == value) _matched++;
            if (_matched < _prompt.Length) continue;
            _matched = 0;
            prompts++;
        }

        for (; prompts > 0; prompts--) _seen();
    }

    /// <summary>For each length of a match, the longest shorter match that it ends with (Knuth, Morris and Pratt).</summary>
    private static int[] Fallback(byte[] prompt)
    {
        int[] table = new int[prompt.Length];
        for (int i = 1, length = 0; i < prompt.Length; i++)
        {
            while (length > 0 && prompt[i] != prompt[length]) length = table[length - 1];
            if (prompt[i] == prompt[length]) length++;
            table[i] = length;
        }

        return table;
    }
}
