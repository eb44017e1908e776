using System.Buffers.Binary;
using System.Text;

namespace Hospes.Virtio;

using static ScsiLayout;

/// <summary>The SCSI host device (virtio 1.2, 5.6): the way of commands to units and of answers back. What commands mean is the units' affair.</summary>
public sealed partial class ScsiDevice : RequestDevice
{
    /// <summary>How many units there are at most.</summary>
    public const int MostUnits = 16;

    /// <summary>PCI class: SCSI mass storage.</summary>
    private const uint ClassStorage = 0x010000;

    private const int Entries = 256, MostQueues = 16, MostSectors = 0xFFFF;

    private readonly SortedDictionary<int, ScsiTarget> _targets = [];
    private readonly List<Place> _places = [];
    private int _senseSize = UsualSense, _cdbSize = UsualCdb;
    private bool _tellsChanges, _hasMissed;

    /// <summary>Makes the device.</summary>
    /// <param name="units">Its units, at most <see cref="MostUnits"/>, each with a place of its own.</param>
    /// <param name="queues">How many queues for commands it has, 1 to 16.</param>
    public ScsiDevice(IReadOnlyList<ScsiUnitSettings> units, int queues = 1)
        : base(VirtioKind.Scsi, ClassStorage, FirstRequestQueue + Check(units, queues), ConfigBytes, Math.Max(1, units.Count))
    {
        foreach (IGrouping<int, ScsiUnitSettings> target in units.GroupBy(static unit => unit.Target))
        {
            var made = new ScsiTarget([.. target.OrderBy(static unit => unit.Lun).Select(ScsiUnit.Make)]);
            _targets.Add(target.Key, made);
            _places.AddRange(made.Units.Select(unit => new Place(unit, made, Hold(unit.Settings.Gate))));
        }
        SetConfig(QueuesField, (ulong)queues, 4);
        SetConfig(SegmentsField, Entries - 2, 4);
        SetConfig(SectorsField, MostSectors, 4);
        SetConfig(CommandsField, MostInFlight, 4);
        SetConfig(EventSizeField, EventSize, 4);
        SetConfig(MaxTargetField, (ulong)_targets.Keys.LastOrDefault(), 2);
        SetConfig(MaxLunField, MostLun, 4);
        SetSizes(UsualSense, UsualCdb);
    }

    /// <inheritdoc/>
    /// <remarks>No unit comes or goes; but Linux gives buffers for events only to a device that could tell of that.</remarks>
    public override ulong Features => Hotplug | Change;

    internal int SenseSize => Volatile.Read(ref _senseSize);

    internal int CdbSize => Volatile.Read(ref _cdbSize);

    /// <inheritdoc/>
    public override int QueueSize(int queue) => Entries;

    /// <summary>Tells the guest that a unit's backend has another length now.</summary>
    /// <param name="settings">What the unit was made of.</param>
    public void CapacityChanged(ScsiUnitSettings settings)
    {
        foreach (Place place in _places)
        {
            if (!ReferenceEquals(place.Unit.Settings, settings)) continue;
            place.Unit.CapacityChanged();
            place.HasChanged = true;
        }
        RequestService(EventQueue);
    }

    /// <inheritdoc/>
    protected internal override void Started(ulong features)
    {
        _tellsChanges = (features & Change) != 0;
        _hasMissed = false;
        foreach (Place place in _places) place.HasChanged = false;
    }

    /// <inheritdoc/>
    protected internal override void Stopped()
    {
        base.Stopped();
        foreach (Place place in _places) place.Unit.Reset();
        SetSizes(UsualSense, UsualCdb);
    }

    /// <inheritdoc/>
    protected internal override void ConfigWritten(int offset, int size, ulong value)
    {
        // The only two fields that are the driver's (5.6.4.1). What they may not be, they do not become.
        if (offset == SenseSizeField && size == 4 && value <= MostSense) SetSizes((int)value, CdbSize);
        else if (offset == CdbSizeField && size == 4 && value is > 0 and <= MostCdb) SetSizes(SenseSize, (int)value);
    }

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (queue == ControlQueue) ServeControl();
        else if (queue == EventQueue) ServeEvents();
        else base.Serve(queue);
    }

    private protected override DeviceRequest MakeRequest() => new ScsiRequest(this);

    /// <summary>Finds what is addressed (5.6.6.1).</summary>
    /// <param name="lun">Eight bytes of address.</param>
    /// <param name="target">The target; null for one that is not there.</param>
    /// <param name="place">The unit's place; null for one that is not there.</param>
    internal void Find(ReadOnlySpan<byte> lun, out ScsiTarget? target, out Place? place)
    {
        target = null;
        place = null;
        if (lun[0] != LunFormat || !_targets.TryGetValue(lun[1], out target)) return;
        int high = lun[2] & ~LunFlat;
        if (high > 0x3F) return;
        int number = high << 8 | lun[3];
        foreach (Place at in _places)
        {
            if (at.Target == target && at.Unit.Settings.Lun == number) place = at;
        }
    }

    private void SetSizes(int sense, int cdb)
    {
        Volatile.Write(ref _senseSize, sense);
        Volatile.Write(ref _cdbSize, cdb);
        SetConfig(SenseSizeField, (ulong)sense, 4);
        SetConfig(CdbSizeField, (ulong)cdb, 4);
    }

    private static int Check(IReadOnlyList<ScsiUnitSettings> units, int queues)
    {
        if (queues is < 1 or > MostQueues) throw new ArgumentOutOfRangeException(nameof(queues), "a SCSI device has 1 to 16 queues for commands");
        if (units.Count > MostUnits) throw new ArgumentOutOfRangeException(nameof(units), "a SCSI device has up to 16 units");
        if (units.Any(static unit => unit.Target is < 0 or > MostTarget || unit.Lun is < 0 or > MostLun)) throw new ArgumentOutOfRangeException(nameof(units), "targets and units have numbers from 0 to 255");
        if (units.Any(static unit => unit.Serial.Length > 20 || !Ascii.IsValid(unit.Serial))) throw new ArgumentOutOfRangeException(nameof(units), "a serial has up to 20 bytes of ASCII");
        if (units.DistinctBy(static unit => (unit.Target, unit.Lun)).Count() != units.Count) throw new ArgumentException("two units have one place", nameof(units));
        return queues;
    }

    /// <summary>A unit's place among the others, with the commands that it has in hand.</summary>
    internal sealed class Place(ScsiUnit unit, ScsiTarget target, HeldRequests? held)
    {
        private readonly List<ScsiRequest> _inHand = new(MostInFlight);

        public ScsiUnit Unit => unit;

        public ScsiTarget Target => target;

        /// <summary>Where commands wait for a permit; null for nowhere.</summary>
        public HeldRequests? Held => held;

        /// <summary>Whether the driver is to be told of a change.</summary>
        public volatile bool HasChanged;

        public void Enter(ScsiRequest request)
        {
            lock (_inHand) _inHand.Add(request);
        }

        public void Leave(ScsiRequest request)
        {
            lock (_inHand)
            {
                _inHand.Remove(request);
                Monitor.PulseAll(_inHand);
            }
        }

        /// <summary>Whether a command is there.</summary>
        /// <param name="id">Its id; null for any.</param>
        public bool Has(ulong? id)
        {
            lock (_inHand) return _inHand.Exists(request => id is null || request.Id == id);
        }

        /// <summary>Waits until a command is done.</summary>
        /// <param name="id">Its id; null for all.</param>
        public void Await(ulong? id)
        {
            lock (_inHand)
            {
                while (_inHand.Exists(request => id is null || request.Id == id)) Monitor.Wait(_inHand);
            }
        }
    }
}
