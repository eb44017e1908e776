using System.Diagnostics;
using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Emit;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>
/// What one processor's translator and its code did: how often each trace ran, where emitted code left and why, what the translating took.
/// Costs four instructions a trace and a little at each exit; made only when asked for. Used on the vCPU's thread, read when that has ended.
/// </summary>
internal sealed unsafe class Profile : IDisposable
{
    // SAFETY: counters are native memory of this object; emitted code that counts is not run once it is disposed.

    private const int CountersPerSlab = 8192;

    private readonly List<nint> _slabs = [];
    private readonly List<Entry> _traces = [];
    private readonly long[] _exits = new long[Enum.GetValues<ExitReason>().Length];
    private readonly Dictionary<Code, long> _interpreted = [];
    private readonly Dictionary<(ulong Rip, string Why), long> _lookUps = [];
    private int _used = CountersPerSlab;
    private long _translating;

    /// <summary>The traces that were translated, in order.</summary>
    public IReadOnlyList<Entry> Traces => _traces;

    /// <summary>How often emitted code left, by <see cref="ExitReason"/>.</summary>
    public IReadOnlyList<long> Exits => _exits;

    /// <summary>How often it left for an instruction's handler, by instruction.</summary>
    public IReadOnlyDictionary<Code, long> Interpreted => _interpreted;

    /// <summary>How often it left for an address to be looked up, by address and reason: "mapping", "event", or "dead" for code that has changed.</summary>
    public IReadOnlyDictionary<(ulong Rip, string Why), long> LookUps => _lookUps;

    /// <summary>How long the translating took.</summary>
    public TimeSpan Translating => Stopwatch.GetElapsedTime(0, _translating);

    /// <summary>How often translations were made to lead nowhere, and how often all were dropped.</summary>
    public long Invalidations { get; set; }

    /// <inheritdoc cref="Invalidations"/>
    public int Resets { get; set; }

    /// <summary>Notes a trace that is about to be emitted.</summary>
    public Entry Begin(Trace trace, Block* head)
    {
        var entry = new Entry(head->Rip, (head->Mode & Cpu.Mode.User) != 0, trace.Count, trace.Blocks.Length, Text(trace), Counter(), Counter());
        _traces.Add(entry);
        return entry;
    }

    /// <summary>Emits the counting. Leaves the flags alone, uses both scratch registers.</summary>
    public static void EmitCount(Emit.Assembler a, nint counter)
    {
        a.Constant(RegisterMap.Scratch0, (ulong)counter);
        a.RegMemory(0x8B, RegisterMap.Scratch1, RegisterMap.Scratch0, 0);
        a.Lea(RegisterMap.Scratch1, RegisterMap.Scratch1, 1);
        a.RegMemory(0x89, RegisterMap.Scratch1, RegisterMap.Scratch0, 0);
    }

    /// <summary>Emitted code has left.</summary>
    public void Left(NativeExit* exit)
    {
        _exits[(int)exit->Reason]++;
        if (exit->Reason == ExitReason.LookUp) CollectionsMarshal.GetValueRefOrAddDefault(_lookUps, (exit->Rip, exit->Retry != null ? "dead" : exit->Op != null ? "mapping" : "event"), out _)++;
        if (exit->Reason != ExitReason.Interpret) return;
        var code = (Code)exit->Op->Code;
        CollectionsMarshal.GetValueRefOrAddDefault(_interpreted, code, out _)++;
    }

    /// <summary>The translating that began at a time stamp has ended.</summary>
    public void EndTranslation(long began) => _translating += Stopwatch.GetTimestamp() - began;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (nint slab in _slabs) NativeMemory.Free((void*)slab);
        _slabs.Clear();
    }

    private nint Counter()
    {
        if (_used == CountersPerSlab)
        {
            _slabs.Add((nint)NativeMemory.AllocZeroed(CountersPerSlab, sizeof(long)));
            _used = 0;
        }
        return _slabs[^1] + _used++ * sizeof(long);
    }

    private static string[] Text(Trace trace)
    {
        var formatter = new IntelFormatter();
        var output = new StringOutput();
        var lines = new string[trace.Count];
        for (int i = 0; i < trace.Count; i++)
        {
            formatter.Format(trace.Instruction(i), output);
            lines[i] = $"{trace.Instruction(i).IP:x16}  {output.ToStringAndReset()}";
        }
        return lines;
    }

    /// <summary>One translated trace.</summary>
    internal sealed class Entry(ulong rip, bool isUser, int instructions, int blocks, string[] text, nint runs, nint plainRuns)
    {
        /// <summary>Where it begins.</summary>
        public ulong Rip { get; } = rip;

        /// <summary>Whether it is user code.</summary>
        public bool IsUser { get; } = isUser;

        /// <summary>Instructions in it, and blocks.</summary>
        public int Instructions { get; } = instructions;

        /// <inheritdoc cref="Instructions"/>
        public int Blocks { get; } = blocks;

        /// <summary>Its instructions, disassembled.</summary>
        public IReadOnlyList<string> Text { get; } = text;

        /// <summary>Bytes of host code.</summary>
        public byte[] HostCode { get; private set; } = [];

        /// <summary>Where the host code runs.</summary>
        public ulong HostAddress { get; private set; }

        /// <summary>Addresses of the counters of its body, and of the body without windows.</summary>
        public nint RunsAddress { get; } = runs;

        /// <inheritdoc cref="RunsAddress"/>
        public nint PlainRunsAddress { get; } = plainRuns;

        /// <summary>Notes its host code.</summary>
        public void Emitted(byte* from, byte* to)
        {
            HostCode = new ReadOnlySpan<byte>(from, (int)(to - from)).ToArray();
            HostAddress = (ulong)from;
        }

        /// <summary>How often it was run.</summary>
        public long Runs => *(long*)RunsAddress + *(long*)PlainRunsAddress;

        /// <summary>How often without windows.</summary>
        public long PlainRuns => *(long*)PlainRunsAddress;
    }
}
