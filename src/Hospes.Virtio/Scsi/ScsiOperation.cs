namespace Hospes.Virtio;

/// <summary>The first byte of a CDB, as far as it is understood.</summary>
internal enum ScsiOperation : byte
{
    /// <summary>TEST UNIT READY (SPC-4).</summary>
    TestUnitReady = 0x00,

    /// <summary>REQUEST SENSE (SPC-4).</summary>
    RequestSense = 0x03,

    /// <summary>READ (6) (SBC-3).</summary>
    Read6 = 0x08,

    /// <summary>WRITE (6) (SBC-3).</summary>
    Write6 = 0x0A,

    /// <summary>INQUIRY (SPC-4).</summary>
    Inquiry = 0x12,

    /// <summary>MODE SENSE (6) (SPC-4).</summary>
    ModeSense6 = 0x1A,

    /// <summary>START STOP UNIT (SBC-3, MMC-6).</summary>
    StartStop = 0x1B,

    /// <summary>PREVENT ALLOW MEDIUM REMOVAL (SBC-3, MMC-6).</summary>
    PreventRemoval = 0x1E,

    /// <summary>READ CAPACITY (10) (SBC-3, MMC-6).</summary>
    ReadCapacity10 = 0x25,

    /// <summary>READ (10) (SBC-3).</summary>
    Read10 = 0x28,

    /// <summary>WRITE (10) (SBC-3).</summary>
    Write10 = 0x2A,

    /// <summary>VERIFY (10) (SBC-3).</summary>
    Verify10 = 0x2F,

    /// <summary>SYNCHRONIZE CACHE (10) (SBC-3).</summary>
    SynchronizeCache10 = 0x35,

    /// <summary>WRITE SAME (10) (SBC-3).</summary>
    WriteSame10 = 0x41,

    /// <summary>UNMAP (SBC-3).</summary>
    Unmap = 0x42,

    /// <summary>READ TOC/PMA/ATIP (MMC-6).</summary>
    ReadToc = 0x43,

    /// <summary>GET CONFIGURATION (MMC-6).</summary>
    GetConfiguration = 0x46,

    /// <summary>GET EVENT STATUS NOTIFICATION (MMC-6).</summary>
    GetEvents = 0x4A,

    /// <summary>READ DISC INFORMATION (MMC-6).</summary>
    ReadDiscInformation = 0x51,

    /// <summary>MODE SENSE (10) (SPC-4).</summary>
    ModeSense10 = 0x5A,

    /// <summary>READ (16) (SBC-3).</summary>
    Read16 = 0x88,

    /// <summary>WRITE (16) (SBC-3).</summary>
    Write16 = 0x8A,

    /// <summary>VERIFY (16) (SBC-3).</summary>
    Verify16 = 0x8F,

    /// <summary>SYNCHRONIZE CACHE (16) (SBC-3).</summary>
    SynchronizeCache16 = 0x91,

    /// <summary>WRITE SAME (16) (SBC-3).</summary>
    WriteSame16 = 0x93,

    /// <summary>SERVICE ACTION IN (16), of which READ CAPACITY (16) is one (SBC-3).</summary>
    ServiceActionIn16 = 0x9E,

    /// <summary>REPORT LUNS (SPC-4).</summary>
    ReportLuns = 0xA0,

    /// <summary>READ (12) (SBC-3).</summary>
    Read12 = 0xA8,

    /// <summary>WRITE (12) (SBC-3).</summary>
    Write12 = 0xAA,

    /// <summary>MECHANISM STATUS (MMC-6).</summary>
    MechanismStatus = 0xBD,
}
