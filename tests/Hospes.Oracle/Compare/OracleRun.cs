using System.Diagnostics;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Oracle.Generate;
using Hospes.Oracle.Native;
using Hospes.Oracle.Soft;
using Iced.Intel;

namespace Hospes.Oracle.Compare;

/// <summary>Makes one case of a family.</summary>
internal delegate void MakeCase(CaseGenerator generator, Catalog catalog, ref Randomness random, ref CaseSlot slot, OracleCase description);

/// <summary>Runs cases of one family on both sides and collects what differs.</summary>
internal sealed class OracleRun : IDisposable
{
    private const int ReportedMismatches = 12;

    private readonly NativeRunner _native = new();
    private readonly SoftRunner[] _softs;
    private readonly CaseGenerator _generator;
    private readonly OracleCase[] _descriptions = new OracleCase[NativeRunner.BatchSize];
    private readonly long[] _numbers = new long[NativeRunner.BatchSize];
    private readonly Dictionary<string, int> _mismatched = [];
    private readonly HashSet<Code> _exercised = [];
    private CpuImage _output;

    public OracleRun()
    {
        StateBuilder.FillReadOnlyPage(_native.ReadOnlyPage);
        _softs = [new SoftRunner("off", _native.ReadOnlyPage), new SoftRunner("always", _native.ReadOnlyPage)];
        var handlers = InstructionSet.Create();
        unsafe
        {
            // SAFETY: the addresses are only compared with null.
            Catalog = new Catalog(_native.HasFsGsBase, code => handlers.Find(code, false, false) != null || handlers.Find(code, true, false) != null);
        }

        _generator = new CaseGenerator(Catalog, _native.HasFsGsBase);
        for (var i = 0; i < _descriptions.Length; i++)
        {
            _descriptions[i] = new OracleCase();
        }
    }

    public Catalog Catalog { get; }

    /// <summary>Reports of the first mismatches, one for each kind of instruction.</summary>
    public List<string> Reports { get; } = [];

    /// <summary>How many cases differed, by instruction.</summary>
    public IReadOnlyDictionary<string, int> Mismatched => _mismatched;

    /// <summary>Encodings that were executed to their end at least once.</summary>
    public IReadOnlySet<Code> Exercised => _exercised;

    /// <summary>Instructions compared.</summary>
    public long Instructions { get; private set; }

    public int ChildrenStarted => _native.Started;

    public TimeSpan NativeTime { get; private set; }

    public TimeSpan SoftTime { get; private set; }

    public void Run(ulong seed, string family, long first, long count, MakeCase make)
    {
        for (var done = 0L; done < count;)
        {
            var batch = (int)Math.Min(NativeRunner.BatchSize, count - done);
            for (var i = 0; i < batch; i++)
            {
                _numbers[i] = first + done + i;
                var random = new Randomness(seed, family, _numbers[i]);
                make(_generator, Catalog, ref random, ref _native.Slot(i), _descriptions[i]);
            }

            var start = Stopwatch.GetTimestamp();
            _native.Run(batch);
            NativeTime += Stopwatch.GetElapsedTime(start);
            start = Stopwatch.GetTimestamp();
            for (var i = 0; i < batch; i++)
            {
                foreach (var soft in _softs)
                {
                    Compare(soft, seed, family, i);
                }
            }

            SoftTime += Stopwatch.GetElapsedTime(start);
            done += batch;
        }
    }

    public void Dispose()
    {
        _native.Dispose();
        foreach (var soft in _softs)
        {
            soft.Dispose();
        }
    }

    private void Compare(SoftRunner soft, ulong seed, string family, int i)
    {
        ref var slot = ref _native.Slot(i);
        var description = _descriptions[i];
        Instructions += description.Instructions.Count;
        var differences = soft.Run(ref slot, ref _output) ?? Comparison.Differences(ref slot, ref _output, description);
        if (differences is null)
        {
            if (slot.Output[Greg.Trap] == 3)
            {
                foreach (var instruction in description.Instructions)
                {
                    _exercised.Add(instruction.Code);
                }
            }

            return;
        }

        var sequence = description.Instructions.Count != 1;
        var kind = $"{(sequence ? "sequence" : description.Instructions[0].Code)}, translate={soft.Translation}";
        var seen = _mismatched.GetValueOrDefault(kind);
        _mismatched[kind] = seen + 1;
        if (Reports.Count < ReportedMismatches && (seen == 0 || (sequence && seen < 3)))
        {
            Reports.Add($"translate={soft.Translation}: {Report.Describe(seed, family, _numbers[i], ref slot, description, differences)}");
        }
    }
}
